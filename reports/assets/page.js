// What scripts add to the page: charts where they come into view, filters, sorting, downloads,
// and links to a race that a filter hides. Nothing here makes markup out of data.
(() => {
  'use strict';

  const data = JSON.parse(document.getElementById('data').textContent);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  document.documentElement.classList.add('scripts');

  // Charts. Each is drawn when it comes near, and anew when the colours change.
  const drawn = new Map();
  const draw = (figure) => {
    figure.classList.add('live');
    drawn.set(figure, Charts.draw(figure, data));
  };
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      draw(target);
    }
  }, { rootMargin: '400px' });
  all('[data-chart]').forEach((figure) => near.observe(figure));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    for (const [figure, clears] of drawn) {
      clears.forEach((clear) => clear());
      draw(figure);
    }
  });

  // Downloads.
  const save = (name, type, text) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([text], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  };
  for (const button of all('[data-download]')) {
    button.addEventListener('click', () => save(button.dataset.download, 'application/json', JSON.stringify(data)));
  }
  // Browsers refuse long addresses; a file made here has no limit.
  for (const link of all('a[download]')) {
    link.addEventListener('click', (event) => {
      event.preventDefault();
      const address = link.getAttribute('href');
      save(link.download, 'text/csv', decodeURIComponent(address.slice(address.indexOf(',') + 1)));
    });
  }

  // Filters and sorting. All matrices have the same races and models, and move together.
  const form = document.querySelector('.filters');
  if (!form) return;
  const matrices = all('.matrix');
  const fold = document.querySelector('.metrics');
  if (fold) fold.replaceWith(...all('.matrix', fold));
  const fields = form.elements;
  const sections = all('section.race');
  const families = all('[name=family]', form);
  let sorted = { column: 0, down: false };

  const filter = () => {
    const find = fields.find.value.trim().toLowerCase();
    const wanted = (section) => {
      const { name, class: kind } = section.dataset;
      return (!fields.class.value || kind === fields.class.value) && name.toLowerCase().includes(find);
    };
    const shown = new Set(sections.filter(wanted).map((section) => section.dataset.race));
    for (const part of all('[data-race]')) part.hidden = !shown.has(part.dataset.race);
    const out = new Set(families.filter((box) => !box.checked).map((box) => box.value));
    for (const matrix of matrices) {
      matrix.hidden = matrix.dataset.metric !== fields.metric.value;
      const hidden = all('thead th', matrix).map((head) => out.has(head.dataset.family));
      for (const row of all('tr', matrix)) [...row.cells].forEach((cell, i) => { cell.hidden = hidden[i]; });
    }
    form.querySelector('.count').textContent = shown.size + ' of ' + sections.length + (sections.length === 1 ? ' race' : ' races');
  };

  const key = (row) => {
    if (sorted.column > 0) return Number(row.cells[sorted.column].dataset.sort ?? NaN);
    return fields.sort.value === 'name' ? sections[Number(row.dataset.race)].dataset.name : Number(row.dataset.race);
  };
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    // What has no number comes last, either way.
    if (Number.isNaN(x) || Number.isNaN(y)) return Number(Number.isNaN(x)) - Number(Number.isNaN(y));
    const order = x < y ? -1 : Number(x > y);
    return sorted.down ? -order : order;
  };
  const sort = () => {
    for (const matrix of matrices) {
      const body = matrix.querySelector('tbody');
      body.append(...[...body.rows].sort(compare));
      all('thead th', matrix).forEach((head, i) => {
        if (i === sorted.column && i > 0) head.setAttribute('aria-sort', sorted.down ? 'descending' : 'ascending');
        else head.removeAttribute('aria-sort');
      });
    }
  };
  for (const matrix of matrices) {
    all('thead th', matrix).forEach((head, i) => {
      if (i === 0) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        sorted = { column: i, down: sorted.column === i && !sorted.down };
        sort();
      });
    });
  }
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('input', (event) => {
    if (event.target.name === 'sort') {
      sorted = { column: 0, down: false };
      sort();
    }
    filter();
  });
  filter();

  // A link leads to its race even where a filter hides it.
  const follow = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target || !target.hidden) return;
    form.reset();
    filter();
    target.scrollIntoView();
  };
  addEventListener('hashchange', follow);
  follow();
})();
