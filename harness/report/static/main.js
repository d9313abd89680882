// The page: everything that is not in its HTML is made here, from the data embedded in it.

/** The data, which the page holds as gzipped JSON in base64. */
async function readReport() {
  const bytes = Uint8Array.from(atob(document.getElementById('data').textContent), (byte) => byte.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(stream).json();
}

function fill(id, children) {
  document.getElementById(id)?.append(...children);
}

function renderAcross(part) {
  const heading = element('h3', {}, part.title);
  const figures = element('div', { class: 'figures' }, ...part.figures.map(renderFigure));
  return element('div', {}, heading, element('p', { class: 'note' }, part.note), renderTable(part.table), figures);
}

/** Paper shows everything; it does not wait for the events that unfolding causes. */
function unfoldForPaper() {
  lightForPaper(redrawFigures);
  document.querySelectorAll('details.task').forEach((details) => {
    details.open = true;
    FILL.get(details)();
  });
  document.querySelectorAll('details.plain').forEach((details) => {
    details.open = details.closest('figure') === null;
  });
  return drawAll(document);
}

function start(report) {
  fill('index', report.index ? [renderTable(report.index)] : []);
  fill('sections', report.sections.map((section) => renderSection(section, report.open)));
  fill('across-parts', report.across.map(renderAcross));
  fill('figures', [element('div', { class: 'figures' }, ...report.figures.map(renderFigure))]);
  const filter = document.getElementById('filter');
  filter.addEventListener('input', () => filterAll(report, filter.value));
  restoreState(report);
  filterAll(report, filter.value);
  openTarget();
  addEventListener('hashchange', openTarget);
  addEventListener('beforeprint', unfoldForPaper);
  if (report.reload !== null) startReloading(report);
  document.documentElement.dataset.ready = 'yes';
  performance.mark('ready');
}

// The theme does not wait for the data: a remembered choice that came late would flash.
startTheme(redrawFigures);
readReport().then(start);
