// The page's charts: spectra, slices and loads, drawn by uPlot over the numbers in #data.
// Colours and dashes are those of the static figures, read from the style sheet.
const Charts = (() => {
  'use strict';

  const DASHES = { d1: [6, 3], d2: [2, 2.5], d3: [8, 3, 2, 3] };
  const UNITS = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];
  const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();

  /** Three significant digits. */
  const digits = (value) => String(Number(value.toPrecision(3)));

  const time = (ns) => {
    if (ns == null) return '–';
    const [size, unit] = UNITS.find(([size]) => ns >= size) ?? UNITS[3];
    return digits(ns / size) + '\u00a0' + unit;
  };

  const count = (value) => {
    if (value == null) return '–';
    const [size, unit] = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']].find(([size]) => value >= size) ?? [1, ''];
    return digits(value / size) + unit;
  };

  /** 1/(1−q) as a percentile: 1000 is 99.9. */
  const percentile = (inverse) => {
    const nines = Math.max(0, Math.round(Math.log10(inverse)) - 1);
    const text = (100 * (1 - 1 / inverse)).toFixed(nines + 2);
    return text.replace(/\.?0+$/, '');
  };

  /** Steps of every power of ten that lie on an axis, as many as there is room for. */
  const splits = (choices, room) => (u, place, lo, hi) => {
    // What axes and padding leave is not known yet where this is asked.
    const length = u.axes[place].scale === 'x' ? u.width - 80 : u.height - 70;
    const on = (steps) => {
      const found = [];
      for (let power = Math.floor(Math.log10(lo)) - 1; power <= Math.log10(hi); power += 1) {
        for (const step of steps) {
          const value = step * 10 ** power;
          if (value >= lo * 0.9999 && value <= hi * 1.0001) found.push(value);
        }
      }
      return found;
    };
    // From many to few: the first that fits.
    const fitting = choices.map(on).filter((found) => found.length * room <= length);
    return fitting[0] ?? on([1]);
  };
  const VALUES = [[1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1]];

  const series = (label, looks, value, extra) => {
    const classes = looks.split(' ');
    const tone = classes[0] === 'control' ? 'quiet' : classes[0];
    return { label, stroke: color(tone), dash: DASHES[classes[1]], width: 1.8, value, points: { show: false }, ...extra };
  };

  const axis = (label, values, extra) => ({
    label, values, font: FONT, labelFont: FONT, labelSize: 20, stroke: color('quiet'),
    grid: { stroke: color('rule'), width: 1 }, ticks: { show: false },
    // uPlot would leave out the labels of most steps of a logarithmic axis.
    filter: (u, all) => all, ...extra,
  });

  /** Markers are pieces of the lines. */
  const STYLES = { 6: 'dashed', 2: 'dotted', 8: 'dashed' };
  const LEGEND = { markers: { width: 2, dash: (u, place) => STYLES[u.series[place].dash?.[0]] ?? 'solid' } };

  const logarithmic = (air) => ({ time: false, distr: 3, log: 10, range: (u, lo, hi) => [lo / air, hi * air] });

  const height = (width) => Math.round(Math.max(220, Math.min(360, width * 0.52)));

  /** One plot in a figure, as wide as it. */
  const plot = (host, label, options, data) => {
    const box = document.createElement('div');
    box.className = 'chart';
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', label);
    host.insertBefore(box, host.querySelector('figcaption'));
    const width = box.clientWidth;
    const chart = new uPlot({ width, height: height(width), padding: [10, 8, 0, 0], legend: LEGEND, ...options }, data, box);
    const canvas = box.querySelector('canvas');
    if (canvas) canvas.setAttribute('aria-hidden', 'true');
    const watch = new ResizeObserver(() => {
      if (box.clientWidth > 0 && box.clientWidth !== chart.width) {
        chart.setSize({ width: box.clientWidth, height: height(box.clientWidth) });
      }
    });
    watch.observe(box);
    return () => { watch.disconnect(); chart.destroy(); box.remove(); };
  };

  /** Names and looks of a race's contenders that have a curve, as they stand in its table. */
  const contenders = (race, curves) => race.contenders.filter((c) => Object.hasOwn(curves, c.id));

  const spectrum = (host, data, race, kind) => {
    const curves = race[kind];
    const shown = contenders(race, curves);
    const longest = Math.max(...shown.map((c) => curves[c.id].length));
    const grid = data.grid.slice(0, longest);
    const values = shown.map((c) => grid.map((_, i) => curves[c.id][i] ?? null));
    const label = kind === 'service' ? 'service time' : 'response time';
    return [plot(host, 'Percentile spectrum of ' + label + ', ' + race.id, {
      scales: { x: { time: false, distr: 3, log: 10, range: (u, lo, hi) => [1, hi] }, y: logarithmic(1.1) },
      axes: [
        axis('percentile (log of 1 − q)', (u, all) => all.map((v) => (v == null ? '' : percentile(v))), {
          splits: splits([[1]], 30), size: 30 }),
        axis(label + ', log scale', (u, all) => all.map((v) => (v == null ? '' : time(v))), { splits: splits(VALUES, 20), size: 62 }),
      ],
      series: [{ label: 'percentile', value: (u, v) => (v == null ? '–' : 'p' + percentile(v)) },
        ...shown.map((c) => series(c.name, c.looks, (u, v) => time(v)))],
    }, [grid, ...values])];
  };

  const slices = (host, data, race) => {
    const lanes = contenders(race, race.slices);
    const pick = document.createElement('label');
    pick.className = 'pick';
    pick.append('Slices of ');
    const select = document.createElement('select');
    for (const lane of lanes) select.append(new Option(lane.name, lane.id));
    pick.append(select);
    host.insertBefore(pick, host.querySelector('figcaption'));
    host.classList.add('both');
    let clear = () => {};
    const draw = () => {
      clear();
      const lane = lanes[select.selectedIndex];
      const of = race.slices[lane.id];
      const blocks = of.blocks.flatMap(([block, slices]) => Array(slices).fill(block));
      const x = blocks.map((_, i) => i + 1);
      const name = (u, v) => (v == null ? '–' : v + ', block ' + blocks[v - 1]);
      const ns = (values) => values.map((us) => us * 1e3);
      clear = plot(host, 'Latency of each slice of ' + lane.name + ', ' + race.id, {
        scales: { x: { time: false }, y: logarithmic(1.1) },
        axes: [
          axis('slice', (u, all) => all.map((v) => (Number.isInteger(v) ? String(v) : '')), { size: 30 }),
          axis('latency, log scale', (u, all) => all.map((v) => (v == null ? '' : time(v))), { splits: splits(VALUES, 20), size: 62 }),
        ],
        series: [{ label: 'slice', value: name },
          series('p50', lane.looks.split(' ')[0], (u, v) => time(v)),
          series('p99', lane.looks.split(' ')[0] + ' d1', (u, v) => time(v)),
          series('slowest', lane.looks.split(' ')[0] + ' d2', (u, v) => time(v))],
      }, [x, ns(of.p50_us), ns(of.p99_us), ns(of.max_us)]);
    };
    select.addEventListener('change', draw);
    draw();
    return [() => { clear(); pick.remove(); }];
  };

  /** Over the lines: hollow points, where a load was not kept up with, and a ring around the knee. */
  const marks = (sweep, key) => (u) => {
    const ratio = uPlot.pxRatio;
    const circle = (x, y, radius) => {
      u.ctx.beginPath();
      u.ctx.arc(x, y, radius * ratio, 0, 2 * Math.PI);
    };
    sweep.curves.forEach((curve, place) => {
      curve.load.forEach((load, i) => {
        if (curve[key][i] == null || !u.series[place + 1].show) return;
        const [x, y] = [u.valToPos(load, 'x', true), u.valToPos(curve[key][i], 'y', true)];
        u.ctx.lineWidth = 1.8 * ratio;
        u.ctx.setLineDash([]);
        u.ctx.strokeStyle = color(curve.looks.split(' ')[0]);
        if (curve.saturated[i]) {
          circle(x, y, 4);
          u.ctx.fillStyle = color('paper');
          u.ctx.fill();
          u.ctx.stroke();
        }
        if (curve.knee === load) {
          circle(x, y, 7);
          u.ctx.stroke();
        }
      });
    });
  };

  const sweeps = (host, data, sweep) => {
    const loads = [...new Set(sweep.curves.flatMap((c) => c.load))].sort((a, b) => a - b);
    const panels = [['ops_per_s', 'throughput, log scale', (v) => (v == null ? '–' : count(v) + '/s')],
      ['p99_ns', 'p99 latency, log scale', time]];
    return panels.filter(([key]) => sweep.curves.some((c) => c[key].some((v) => v != null))).map(([key, label, show]) =>
      plot(host, label + ' over ' + sweep.axis + ', ' + sweep.title, {
        scales: { x: logarithmic(1.05), y: logarithmic(1.15) },
        axes: [
          axis(sweep.axis, (u, all) => all.map((v) => (v == null ? '' : count(v))), { splits: splits(VALUES, 44), size: 30 }),
          axis(label, (u, all) => all.map((v) => (v == null ? '' : show(v))), { splits: splits(VALUES, 20), size: 62 }),
        ],
        cursor: { sync: { key: sweep.title } },
        hooks: { draw: [marks(sweep, key)] },
        series: [{ label: sweep.over === 'rate' ? 'offered' : 'clients', value: (u, v) => count(v) },
          ...sweep.curves.map((c) => series(c.id, c.looks, (u, v) => show(v), { points: { show: true, size: 7, fill: color(c.looks.split(' ')[0]) }, spanGaps: true }))],
      }, [loads, ...sweep.curves.map((c) => loads.map((load) => c[key][c.load.indexOf(load)] ?? null))]));
  };

  /** Draws what a figure asks for; gives back what takes it away again. */
  const draw = (figure, data) => {
    const kind = figure.dataset.chart;
    if (kind === 'sweep') return sweeps(figure, data, data.sweeps[Number(figure.dataset.place)]);
    const race = data.races[Number(figure.closest('[data-race]').dataset.race)];
    return kind === 'slices' ? slices(figure, data, race) : spectrum(figure, data, race, kind);
  };

  return { draw };
})();
