// A page that follows a run: it loads itself again, and stays where the reader was.

const STATE = 'harness-report';

function saveState(report) {
  const open = [...document.querySelectorAll('details[open][id]')].map((details) => details.id);
  const state = { run: report.run, scroll: scrollY, filter: document.getElementById('filter').value, open };
  remember('sessionStorage', STATE, JSON.stringify(state));
}

/** Put back what was there before the page was loaded again. */
function restoreState(report) {
  const state = JSON.parse(recall('sessionStorage', STATE) ?? 'null');
  if (state === null || JSON.stringify(state.run) !== JSON.stringify(report.run)) return;
  report.sections.forEach((section) => {
    document.getElementById(section.id).open = state.open.includes(section.id);
  });
  document.getElementById('filter').value = state.filter;
  requestAnimationFrame(() => scrollTo(0, state.scroll));
}

function startReloading(report) {
  setTimeout(() => {
    saveState(report);
    location.reload();
  }, report.reload * 1000);
}
