"use strict";
// Hover, keys and legend of the charts, and sorting of tables; all else works without.
(() => {
  document.documentElement.classList.add("live");
  const tip = document.querySelector(".tip");

  const place = (mark, box) => {
    const rect = mark.ownerSVGElement.getBoundingClientRect();
    return {
      x: rect.left + (rect.width * parseFloat(mark.getAttribute("x"))) / 100,
      y: rect.top + (rect.height * parseFloat(mark.getAttribute("y"))) / 100,
    };
  };

  const hide = () => {
    tip.hidden = true;
    document.querySelectorAll(".mark.near").forEach((mark) => mark.classList.remove("near"));
  };

  const show = (mark) => {
    hide();
    tip.style.left = tip.style.top = "0px";
    mark.classList.add("near");
    tip.textContent = mark.dataset.text;
    tip.hidden = false;
    const at = place(mark);
    const { width, height } = tip.getBoundingClientRect();
    const wide = document.documentElement.clientWidth;
    const left = at.x + 14 + width > wide - 8 ? at.x - 14 - width : at.x + 14;
    tip.style.left = `${scrollX + Math.max(8, Math.min(left, wide - width - 8))}px`;
    const above = at.y - height - 12;
    tip.style.top = `${scrollY + (above > 8 ? above : at.y + 14)}px`;
  };

  document.querySelectorAll("figure.chart").forEach((chart) => {
    const plot = chart.querySelector(".plot");
    const marks = [...chart.querySelectorAll(".mark")];
    const hidden = new Set();
    let current = -1;
    marks.forEach((mark) => {
      // The browser's own tooltip of a title would lie over ours.
      mark.dataset.text = mark.textContent;
      mark.replaceChildren();
    });
    const seen = () => marks.filter((mark) => !hidden.has(mark.dataset.series));

    const point = (event) => {
      let best = null;
      let least = 40 ** 2;
      seen().forEach((mark) => {
        const at = place(mark);
        const far = (at.x - event.clientX) ** 2 + (at.y - event.clientY) ** 2;
        if (far < least) [best, least] = [mark, far];
      });
      if (best) show(best);
      else hide();
    };
    plot.addEventListener("pointermove", point);
    plot.addEventListener("pointerdown", point);
    plot.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "mouse") hide();
    });
    plot.addEventListener("blur", hide);
    plot.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") hide();
      const found = seen().sort(
        (a, b) => parseFloat(a.getAttribute("x")) - parseFloat(b.getAttribute("x")),
      );
      if (!step || !found.length) return;
      event.preventDefault();
      current = Math.max(0, Math.min(found.length - 1, current + step));
      show(found[current]);
    });

    chart.querySelectorAll(".key").forEach((key) => {
      key.addEventListener("click", () => {
        const series = key.dataset.series;
        const shown = key.getAttribute("aria-pressed") === "false";
        key.setAttribute("aria-pressed", String(shown));
        if (shown) hidden.delete(series);
        else hidden.add(series);
        plot.querySelectorAll(`[data-series="${series}"]`).forEach((part) => {
          part.classList.toggle("off", !shown);
        });
        hide();
      });
    });
  });
  addEventListener("keydown", (event) => event.key === "Escape" && hide());

  const value = (row, column, number) => {
    const cell = row.cells[column];
    if (!number) return cell.textContent;
    return "v" in cell.dataset ? parseFloat(cell.dataset.v) : NaN;
  };

  document.querySelectorAll("button.sort").forEach((button) => {
    button.addEventListener("click", () => {
      const head = button.parentElement;
      const table = head.closest("table");
      const column = head.cellIndex;
      const number = head.classList.contains("number");
      const down = head.getAttribute("aria-sort") === "ascending";
      const sign = down ? -1 : 1;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => {
        const [one, other] = [value(a, column, number), value(b, column, number)];
        if (!number) return sign * one.localeCompare(other, "en", { numeric: true });
        // What has no number stands last, whichever way.
        if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
        return sign * (one - other);
      });
      table.tBodies[0].append(...rows);
      [...head.parentElement.cells].forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  });

  addEventListener("beforeprint", () => {
    document.querySelectorAll("details").forEach((part) => (part.open = true));
  });
})();
