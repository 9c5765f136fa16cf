// What scrolls sideways can be reached and scrolled by keyboard.
const reach = () => {
  for (const box of document.querySelectorAll("pre, .output.text_html, .table-wrapper, .math")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);
