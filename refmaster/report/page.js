"use strict";
// Draws the plots in the colours of page.css, again when the scheme changes and for print; copies flags.
(() => {
  const root = document.documentElement;
  root.classList.add("js");

  const held = document.getElementById("figures");
  const figures = held ? JSON.parse(held.textContent) : {};
  const plots = [...document.querySelectorAll(".plot")];
  const touch = matchMedia("(pointer: coarse)").matches;
  const PRINT_WIDTH_PX = 660;
  const PRINT_HEIGHT = 0.8; // three plots a page

  const inColour = (figure, widthPx) => {
    const style = getComputedStyle(root);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const { data, layout } = structuredClone(figure);
    for (const trace of data) {
      const ink = colour(trace.meta);
      if (trace.marker) {
        trace.marker.color = ink;
        if (trace.marker.line) trace.marker.line.color = ink;
        if (trace.marker.pattern) Object.assign(trace.marker.pattern, { fgcolor: ink, bgcolor: colour("paper") });
      }
      if (trace.line) trace.line.color = ink;
      if (trace.fill) trace.fillcolor = colour(`${trace.meta}-fill`);
    }
    for (const shape of layout.shapes) shape.line.color = colour("quiet");
    for (const name of ["xaxis", "yaxis"]) {
      Object.assign(layout[name], {
        gridcolor: colour("grid"), linecolor: colour("rule"), zerolinecolor: colour("quiet"), automargin: false,
      });
      layout[name].title.standoff = 8;
    }
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { family: getComputedStyle(document.body).fontFamily, size: 12, color: colour("muted") };
    layout.hoverlabel = { bgcolor: colour("raised"), bordercolor: colour("rule"), font: { color: colour("ink") } };
    layout.dragmode = touch ? false : "zoom"; // a finger scrolls the page
    if (widthPx) Object.assign(layout, { width: widthPx, height: PRINT_HEIGHT * layout.height });
    else layout.autosize = true;
    return { data, layout };
  };

  const draw = (plot, widthPx) => {
    const { data, layout } = inColour(figures[plot.dataset.figure], widthPx);
    return Plotly.react(plot, data, layout, { displayModeBar: false, responsive: true, showTips: false });
  };
  const drawAll = (widthPx) => Promise.all(plots.map((plot) => draw(plot, widthPx)));

  drawAll().then(() => { root.dataset.drawn = plots.length; });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll());
  addEventListener("beforeprint", () => { root.classList.add("printing"); drawAll(PRINT_WIDTH_PX); });
  addEventListener("afterprint", () => { root.classList.remove("printing"); drawAll(); });

  for (const entry of document.querySelectorAll(".entry")) {
    entry.addEventListener("click", () => {
      const trace = figures[entry.dataset.plot].data[entry.dataset.curve];
      trace.visible = !trace.visible;
      entry.setAttribute("aria-pressed", String(trace.visible));
      draw(plots.find((plot) => plot.dataset.figure === entry.dataset.plot));
    });
  }

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        button.textContent = "copied";
      } catch { // no permission: select it, so that a key copies it
        getSelection().selectAllChildren(button.parentElement.querySelector("code"));
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }
})();
