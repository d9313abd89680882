// The sections of the tasks: folded, and made when they are opened.

const RENDERED = new Set();
const FILL = new WeakMap();
const FIRST_SENTENCES = 3;

function renderSection(section, open) {
  const heading = element('h3', {}, section.title);
  const summary = element('summary', {}, heading, element('span', { class: 'where' }, section.subtitle));
  const details = element('details', { class: 'task', id: section.id, open }, summary);
  const fill = () => {
    if (!details.open || RENDERED.has(details)) return;
    RENDERED.add(details);
    details.append(...sectionBody(section));
    filterRows(details, document.getElementById('filter').value, section);
  };
  FILL.set(details, fill);
  details.addEventListener('toggle', fill);
  fill();
  return details;
}

function sectionBody(section) {
  const notes = section.notes.map((text) => element('p', { class: 'note' }, text));
  const figures = element('div', { class: 'figures' }, ...section.figures.map(renderFigure));
  return [renderTable(section.table), ...renderSentences(section), ...notes, figures];
}

/** The pairs in words: those that matter most, and the others folded. */
function renderSentences({ sentences, unsaid }) {
  const list = (texts) => element('ul', { class: 'sentences' }, ...texts.map((text) => element('li', {}, text)));
  const first = list(sentences.slice(0, FIRST_SENTENCES));
  const others = sentences.slice(FIRST_SENTENCES);
  if (!others.length) return [first];
  const left = unsaid ? element('p', { class: 'note' }, `and ${unsaid} more: harness compare --json has all`) : null;
  const count = others.length + unsaid;
  const summary = element('summary', {}, count === 1 ? '1 more pair' : `${count} more pairs`);
  return [first, element('details', { class: 'plain' }, summary, list(others), left)];
}

/** Unfold the section that the address names. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName !== 'DETAILS') return;
  target.open = true;
  target.scrollIntoView();
}

const rowName = (row) => textOf(row[2][0]).toLowerCase();

/** Show only what contains the words; a task that does is shown with all of its models. */
function filterAll(report, query) {
  const words = query.trim().toLowerCase();
  let shown = 0;
  report.sections.forEach((section) => {
    const details = document.getElementById(section.id);
    const matches = section.title.toLowerCase().includes(words);
    const hidden = !matches && !section.table.rows.some((row) => rowName(row).includes(words));
    details.hidden = hidden;
    document.querySelector(`#index a[href="#${section.id}"]`)?.closest('tr').toggleAttribute('hidden', hidden);
    shown += hidden ? 0 : 1;
    if (RENDERED.has(details)) filterRows(details, query, section);
  });
  const all = report.sections.length;
  document.getElementById('shown').textContent = words ? `${shown} of ${all} tasks` : '';
}

function filterRows(details, query, section) {
  const words = query.trim().toLowerCase();
  const all = section.title.toLowerCase().includes(words);
  details.querySelectorAll(':scope > .scroll tbody tr').forEach((line) => {
    line.hidden = !all && !line.dataset.name.includes(words);
  });
}
