// Figures: drawn when they come into view, in the colours of the theme, from the table that is shown beside them.

const DRAWN = new Set();
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: 'reset' };

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', $: '&#36;' };

/** Text that Plotly shows literally: it would read tags and entities as markup, and dollars as mathematics. */
function plain(value) {
  return String(value).replace(/[&<>$]/g, (character) => ENTITIES[character]);
}

/** A long name without its middle. */
function shortened(name, limit) {
  if (name.length <= limit) return name;
  const half = Math.max(3, Math.floor((limit - 1) / 2));
  return `${name.slice(0, half)}…${name.slice(-half)}`;
}

function themeColour(name, alpha = 1) {
  const colour = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  if (alpha === 1) return colour;
  return colour + Math.round(alpha * 255).toString(16).padStart(2, '0');
}

/** Replace the bindings in a specification; they are listed in harness/report/figures/figure.py. */
function resolve(value, figure, limit) {
  if (Array.isArray(value)) return value.map((inner) => resolve(inner, figure, limit));
  if (value === null || typeof value !== 'object') return value;
  if ('$column' in value) return columnValues(value, figure, limit);
  if ('$columns' in value) return rowsOf(value, figure, limit);
  if ('$text' in value) return plain(value.$short ? shortened(value.$text, limit) : value.$text);
  if ('$colour' in value) return themeColour(value.$colour, value.$alpha);
  if ('$matrix' in value) return matrix(value, figure);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, resolve(inner, figure, limit)]));
}

function columnValues(binding, figure, limit) {
  const at = (name) => figure.columns.indexOf(name);
  const where = Object.entries(binding.$where ?? {}).map(([name, wanted]) => [at(name), wanted]);
  const rows = figure.rows.filter((row) => where.every(([index, wanted]) => row[index] === wanted));
  const index = at(binding.$column);
  const less = at(binding.$minus);
  const values = rows.map((row) => {
    const value = row[index];
    if (typeof value === 'string') return plain(binding.$short ? shortened(value, limit) : value);
    if ('$least' in binding && value !== null) return Math.max(value, binding.$least);
    if (less < 0 || value === null) return value;
    return row[less] === null ? 0 : value - row[less];
  });
  return binding.$unique ? [...new Set(values)] : values;
}

function rowsOf(binding, figure, limit) {
  const columns = binding.$columns.map((name) => columnValues({ ...binding, $column: name }, figure, limit));
  return columns[0].map((_, row) => columns.map((values) => values[row]));
}

function matrix(binding, figure) {
  const change = binding.$log ? (value) => (value === null ? null : Math.log10(value)) : (value) => value;
  return figure.rows.map((row) => row.slice(binding.$matrix).map(change));
}

/** What all figures have in common; the specification of each goes over it. */
function themedLayout() {
  const axis = {
    gridcolor: themeColour('line'),
    linecolor: themeColour('line'),
    zerolinecolor: themeColour('line'),
    automargin: true,
    title: { font: { size: 13 }, standoff: 8 },
  };
  return {
    font: { family: 'system-ui, sans-serif', size: 12, color: themeColour('ink') },
    paper_bgcolor: themeColour('surface'),
    plot_bgcolor: themeColour('surface'),
    margin: { l: 10, r: 15, t: 25, b: 10 },
    hoverlabel: { font: { family: 'system-ui, sans-serif' } },
    dragmode: matchMedia('(pointer: coarse)').matches ? false : 'zoom',
    hovermode: 'closest',
    xaxis: axis,
    yaxis: axis,
    legend: { yref: 'container', y: 0, yanchor: 'bottom', x: 0, xanchor: 'left', tracegroupgap: 0 },
  };
}

function merged(base, over) {
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    result[key] = isObject(value) && isObject(base[key]) ? merged(base[key], value) : value;
  }
  return result;
}

/** The labels of names take at most two fifths of the width. */
function labelLimit(plot) {
  return Math.max(12, Math.floor((plot.clientWidth * 0.4) / 7));
}

/** Run Plotly's script, which waits in the page as text: reading it takes longer than all the rest. */
function loadPlotly() {
  if (!window.Plotly) document.head.append(element('script', {}, document.getElementById('plotly').textContent));
}

async function draw(plot, figure) {
  loadPlotly();
  const limit = labelLimit(plot);
  const { data, layout } = resolve(figure.spec, figure, limit);
  await Plotly.react(plot, data, merged(themedLayout(), layout), CONFIG);
  plot.dataset.drawn = 'yes';
}

const FIGURES = new WeakMap();
const inView = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      inView.unobserve(target);
      DRAWN.add(target);
      draw(target, FIGURES.get(target));
    }
  },
  { rootMargin: '300px' },
);

/** Draw again what was drawn, after the colours have changed. */
function redrawFigures() {
  DRAWN.forEach((plot) => draw(plot, FIGURES.get(plot)));
}

/** Draw what has not come into view yet, for paper. */
function drawAll(container) {
  return Promise.all(
    [...container.querySelectorAll('.plot:not([data-drawn])')].map((plot) => {
      inView.unobserve(plot);
      DRAWN.add(plot);
      return draw(plot, FIGURES.get(plot));
    }),
  );
}

function csv(figure) {
  const quoted = (value) => `"${String(value ?? '').replaceAll('"', '""')}"`;
  return [figure.columns, ...figure.rows].map((row) => row.map(quoted).join(',')).join('\r\n') + '\r\n';
}

/** The figure's data as a table. */
function dataTable(figure) {
  const numeric = figure.columns.map((_, index) => figure.rows.some((row) => typeof row[index] === 'number'));
  const cell = (value) => (typeof value === 'number' ? [String(Number(value.toPrecision(4))), value] : String(value ?? ''));
  return renderTable({
    caption: `${figure.title}: the data`,
    columns: figure.columns.map((name, index) => [name, '', numeric[index]]),
    rows: figure.rows.map((row) => ['', '', row.map(cell)]),
  });
}

/** A figure with its caption, its files and its data. */
function renderFigure(figure) {
  const plot = element('div', { class: 'plot', role: 'img', 'aria-label': figure.alt });
  plot.style.minHeight = `${figure.spec.layout.height}px`;
  FIGURES.set(plot, figure);
  inView.observe(plot);
  const image = (format) => async () => {
    await draw(plot, figure);
    const size = { width: Math.max(plot.clientWidth, 700), height: figure.spec.layout.height, scale: 2 };
    Plotly.downloadImage(plot, { format, filename: figure.id, ...size });
  };
  const tools = element(
    'div',
    { class: 'tools', role: 'group', 'aria-label': `Files of the figure: ${figure.title}` },
    button('SVG', image('svg')),
    button('PNG', image('png')),
    button('CSV', () => save(`${figure.id}.csv`, 'text/csv', csv(figure))),
  );
  const data = element('details', { class: 'plain' }, element('summary', {}, 'Data'));
  data.addEventListener('toggle', () => data.append(dataTable(figure)), { once: true });
  const caption = element('figcaption', {}, figure.caption);
  return element('figure', { id: figure.id }, element('h4', {}, figure.title), plot, caption, tools, data);
}
