// What is in the section of a task.

const FIRST_SENTENCES = 3;

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
