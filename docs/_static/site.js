// What scrolls sideways can be reached and scrolled by keyboard.
const reach = () => {
  for (const box of document.querySelectorAll("pre, .output.text_html, .table-wrapper, .math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);

// Two landmarks of one kind need names of their own.
const names = { ".sidebar-drawer": "All pages", ".toc-drawer": "On this page" };
for (const [drawer, name] of Object.entries(names)) {
  document.querySelector(drawer)?.setAttribute("aria-label", name);
}
