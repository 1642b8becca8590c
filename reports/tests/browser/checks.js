// What the browser test asks a page; each function gives back what is wrong, as texts.
globalThis.checks = (() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.getClientRects().length > 0;
  const frames = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));

  /** A canvas's pixels, read off a copy: reading is no business of the page's own canvas. */
  const pixelsOf = (canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return copy.getImageData(0, 0, canvas.width, canvas.height).data;
  };

  /** Anything that makes the page wider than the window, unless it scrolls by itself. */
  const overflow = () => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = all('body *').filter((e) => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 1);
    return wide.slice(0, 3).map((e) => 'too wide: ' + e.tagName + '.' + e.getAttribute('class') + ' ' + e.textContent.slice(0, 40));
  };

  /** Labels of figures that leave their figure or lie on each other. */
  const labels = () => {
    const wrong = [];
    for (const svg of all('svg.figure').filter(seen)) {
      const frame = svg.getBoundingClientRect();
      const name = svg.getAttribute('aria-label').slice(0, 50);
      const texts = all('text', svg).map((text) => [text.textContent, text.getBoundingClientRect()]);
      texts.forEach(([text, box], i) => {
        if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2) {
          wrong.push(name + ': "' + text + '" leaves the figure');
        }
        for (const [other, place] of texts.slice(i + 1)) {
          const x = Math.min(box.right, place.right) - Math.max(box.left, place.left);
          const y = Math.min(box.bottom, place.bottom) - Math.max(box.top, place.top);
          if (x > 1 && y > 4) wrong.push(name + ': "' + text + '" lies on "' + other + '"');
        }
      });
    }
    return wrong;
  };

  /** Charts that are not drawn once they are in view. */
  const charts = async () => {
    const wrong = [];
    for (const figure of all('[data-chart]')) {
      figure.scrollIntoView();
      // It is drawn when the browser has seen that it is near, which a busy machine puts off.
      for (let i = 0; i < 200 && all('canvas', figure).length === 0; i += 1) await frames();
      await frames();
      const canvases = all('canvas', figure);
      if (canvases.length === 0) wrong.push('no chart: ' + figure.dataset.chart);
      for (const canvas of canvases) {
        const pixels = pixelsOf(canvas);
        const colors = new Set();
        for (let i = 0; i < pixels.length; i += 4) {
          if (pixels[i + 3] > 200) colors.add((pixels[i] << 16) + (pixels[i + 1] << 8) + pixels[i + 2]);
        }
        // Axes are grey; a line is not.
        const bright = [...colors].filter((c) => Math.abs((c >> 16) - (c & 255)) > 40);
        if (bright.length === 0) wrong.push('an empty chart: ' + figure.dataset.chart);
      }
    }
    scrollTo(0, 0);
    return wrong;
  };

  /** For each figure of several loads, how many pixels are those of hollow points: opaque paper. */
  const hollow = () => {
    const paper = getComputedStyle(document.documentElement).getPropertyValue('--paper').trim();
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(paper.slice(at, at + 2), 16));
    return all('[data-chart=sweep]').map((figure) => all('canvas', figure).reduce((sum, canvas) => {
      const pixels = pixelsOf(canvas);
      for (let i = 0; i < pixels.length; i += 4) {
        const same = pixels[i] === red && pixels[i + 1] === green && pixels[i + 2] === blue;
        sum += Number(same && pixels[i + 3] === 255);
      }
      return sum;
    }, 0));
  };

  /** What is lost on paper: pale text, where backgrounds are left out, what is cut, other figures. */
  const paper = () => {
    const wrong = [];
    const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const contrast = (color) => {
      const [red, green, blue] = color.match(/[\d.]+/g).map((part) => linear(Number(part) / 255));
      return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
    };
    const says = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim() !== '');
    for (const element of all('body *').filter((e) => !e.closest('svg') && says(e) && seen(e))) {
      const text = element.tagName + ' ' + element.textContent.trim().slice(0, 40);
      if (contrast(getComputedStyle(element).color) < 4.5) wrong.push('pale: ' + text);
      if (element.getBoundingClientRect().right > innerWidth + 1) wrong.push('cut: ' + text);
      if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).overflowX === 'hidden') wrong.push('hidden: ' + text);
    }
    if (all('.static .narrow').some(seen)) wrong.push('a narrow figure is printed');
    if (!all('.static .wide').every(seen)) wrong.push('a wide figure is not printed');
    if (all('canvas').some(seen)) wrong.push('a chart is printed beside its figure');
    return wrong.slice(0, 5);
  };

  /** What the tools for people with other senses find, from "serious" on. */
  const access = async () => {
    const found = await axe.run(document, { resultTypes: ['violations'] });
    const serious = found.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
    return serious.map((v) => v.id + ': ' + v.nodes.length + ' × ' + v.help + ', such as ' + v.nodes[0].html.slice(0, 160) + ' ' + v.nodes[0].failureSummary);
  };

  /** The matrix that is shown: races down, models across. */
  const matrix = () => {
    const shown = all('.matrix').filter(seen);
    const table = shown[0].querySelector('table');
    const cells = (row) => [...row.cells].filter(seen);
    return {
      shown: shown.length,
      metric: shown[0].dataset.metric,
      models: cells(table.tHead.rows[0]).slice(1).map((cell) => cell.textContent),
      races: [...table.tBodies[0].rows].filter(seen).map((row) => row.cells[0].querySelector('a').textContent),
      answers: all('.answers article').filter(seen).length,
      sections: all('section.race').filter(seen).length,
      count: document.querySelector('.count').textContent,
    };
  };

  /** Sets a field as a reader would. */
  const set = (selector, value) => {
    const field = document.querySelector(selector);
    if (field.type === 'checkbox') field.checked = value;
    else field.value = value;
    field.dispatchEvent(new Event('input', { bubbles: true }));
  };

  return { all, seen, overflow, labels, charts, hollow, paper, access, matrix, set };
})();
