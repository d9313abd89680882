// The sections of the page: folded, and made when they are opened. What is in them comes from `sectionBody`.

const RENDERED = new Set();
const FILL = new WeakMap();

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

/** Unfold the section that the address names. */
function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.tagName !== 'DETAILS') return;
  target.open = true;
  target.scrollIntoView();
}

const rowName = (row) => textOf(row[2][0]).toLowerCase();

/** Show only what contains the words; a section that does is shown with all of its rows. */
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
  document.getElementById('shown').textContent = words ? `${shown} of ${all} ${report.things}` : '';
}

function filterRows(details, query, section) {
  const words = query.trim().toLowerCase();
  const all = section.title.toLowerCase().includes(words);
  details.querySelectorAll(':scope > .scroll tbody tr').forEach((line) => {
    line.hidden = !all && !line.dataset.name.includes(words);
  });
}
