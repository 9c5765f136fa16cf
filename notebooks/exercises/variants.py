"""Numbers that differ from class to class: `make release VARIANT=2026` runs this file.

The first code cell of an assignment holds them as `NAME = value  # variant: a, b, c`. The seed
picks one of the values after the colon; without a seed, the value stands as it is written. Code
and tests use the NAME; a text says {NAME}, or {100 * NAME}, and gets the number.
"""

import ast
import copy
import json
import random
import re
import sys
from pathlib import Path

REMEMBERED = Path("variant.txt")  # the seed of the last release, in the folder of the course
CONSTANT = re.compile(r"^([A-Z][A-Z0-9_]*) = .*?  # variant: (.*)$", flags=re.M)

HIDDEN = re.compile(r"(?<=### BEGIN HIDDEN TESTS\n)(.*?)(?=### END HIDDEN TESTS)", flags=re.S)


def remembered():
    """Return the seed of the course: a word, or "" for the numbers as they are written."""
    return REMEMBERED.read_text("utf-8").strip() if REMEMBERED.exists() else ""


def released_as(assignment):
    """Return the seed with which an assignment was released, or None if it was not."""
    path = Path("release", assignment, f"{assignment}.ipynb")
    if path.exists():
        return json.loads(path.read_text("utf-8"))["metadata"].get("optlab_variant", "")


def filled(notebook, assignment, seed):
    """Return a source notebook (a dict) with the numbers of a seed, in code and in texts."""
    notebook = copy.deepcopy(notebook)
    setup = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")

    def pick(found):
        name, values = found[1], ast.literal_eval(f"[{found[2]}]")
        chance = random.Random(f"{seed} {assignment} {name}")
        return f"{name} = {chance.choice(values)!r}" if seed else found[0].split("  # ")[0]

    as_written = "".join(setup["source"])
    setup["source"] = CONSTANT.sub(pick, as_written)
    values = {}
    for node in ast.parse(setup["source"]).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    changing = [found[1] for found in CONSTANT.finditer(as_written)]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["source"] = HIDDEN.sub(
                lambda test: own_numbers(test[1], {n: values[n] for n in changing}),
                "".join(cell["source"]),
            )
        else:
            cell["source"] = re.sub(
                r"\{([^{}\n]+)\}",
                lambda found: words(found[1], values) or found[0],
                "".join(cell["source"]),
            )
    return notebook


def own_numbers(test, values):
    """Return a hidden test that does not depend on what a student did to a NAME: it has NAME_."""
    used = [n for n in values if re.search(rf"\b{n}\b", test)]
    for n in used:
        test = re.sub(rf"\b{n}\b", f"{n}_", test)
    return "".join(f"{n}_ = {values[n]!r}\n" for n in used) + test


def words(expression, values):
    """Return the value of an expression of these names, as a text says it; None for other text."""
    try:
        used = {n.id for n in ast.walk(ast.parse(expression, mode="eval")) if type(n) is ast.Name}
    except SyntaxError:
        return None
    if used and used <= set(values):
        return said(eval(expression, {"__builtins__": {}}, values))


def said(value):
    if isinstance(value, (list, tuple)):
        *most, last = map(said, value)
        return f"{', '.join(most)} and {last}" if most else last
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    return str(value)


def main(assignments, seed):
    """Release assignments with the numbers of a seed ("0": as written; None: as last time)."""
    from grader import course, reason

    if seed is not None:
        REMEMBERED.write_text("" if seed == "0" else seed, "utf-8")
    _, api = course()
    for assignment in assignments:
        before, now = released_as(assignment), remembered()
        result = api.generate_assignment(assignment, force=True)
        if not result["success"]:
            print(f"{assignment}: NOT RELEASED: {reason(result)}.")
            return 1
        print(f"{assignment}: released with the numbers {name(now)}.")
        if before is not None and before != now and any(Path("submitted").glob(f"*/{assignment}")):
            print(f"    There are submissions already, with the numbers {name(before)}: if these "
                  "are to be marked by their own numbers, release it that way again.")  # fmt: skip
    others = {p.name: released_as(p.name) for p in Path("release").glob("*/")}
    for assignment, seed in others.items():
        if seed not in (None, remembered()):
            print(f"{assignment} stays released with the numbers {name(seed)}.")
    return 0


def name(seed):
    return f"of VARIANT={seed}" if seed else "as written (VARIANT=0)"


if __name__ == "__main__":
    seeds = [word.removeprefix("VARIANT=") for word in sys.argv[1:] if word.startswith("VARIANT=")]
    chosen = [word for word in sys.argv[1:] if not word.startswith("VARIANT=")]
    sys.exit(main(chosen, next(filter(None, seeds), None)))
