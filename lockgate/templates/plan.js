// Filters and folds the steps; the page is whole without it.
(() => {
  const find = (id) => document.getElementById(id);
  const filter = find("filter");
  if (!filter) return;
  const words = find("words");
  const severity = find("severity");
  const fold = find("fold");
  const steps = [...document.querySelectorAll(".step")].map((element) => ({
    element,
    text: element.textContent.toLowerCase(),
    severity: element.dataset.severity,
  }));

  const fits = (step) => {
    const wanted = severity.value.split(" ");
    const asked = words.value.toLowerCase().split(/\s+/);
    return (!severity.value || wanted.includes(step.severity))
      && asked.every((word) => step.text.includes(word));
  };
  const update = () => {
    let shown = 0;
    for (const step of steps) {
      const fitting = fits(step);
      if (step.element.hidden === fitting) step.element.hidden = !fitting;
      shown += fitting;
    }
    find("shown").textContent = `${shown} of ${steps.length} steps`;
    find("none").hidden = shown > 0;
  };
  const toggle = () => {
    const opening = fold.textContent === "Unfold all";
    for (const { element } of steps) element.open = opening;
    fold.textContent = opening ? "Fold all" : "Unfold all";
  };
  // A link leads to its step, even to one that the filter hides or that is folded.
  const reveal = () => {
    const step = document.querySelector(".step:target");
    if (!step) return;
    if (step.hidden) {
      filter.reset();
      update();
    }
    step.open = true;
    step.scrollIntoView();
  };

  words.addEventListener("input", update);
  severity.addEventListener("change", update);
  fold.addEventListener("click", toggle);
  filter.addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    words.value = "";
    update();
  });
  addEventListener("hashchange", reveal);
  filter.hidden = false;
  update();
  reveal();
})();
