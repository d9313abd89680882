// What is in the section of an operation.

function sectionBody(section) {
  const figures = element('div', { class: 'figures' }, ...section.figures.map(renderFigure));
  const changes = section.table.rows.length ? [renderTable(section.table)] : [];
  return [figures, ...changes, ...section.notes.map((text) => element('p', { class: 'note' }, text))];
}
