// Tables that sort by any column. A cell is a text, or a text and the number by which it is sorted.

const textOf = (cell) => (Array.isArray(cell) ? cell[0] : cell);

/** What a cell is sorted by: the number it begins with in a numeric column, with what is missing last. */
function sortKey(cell, numeric) {
  if (!numeric) return textOf(cell);
  const number = Array.isArray(cell) ? (cell[1] ?? Infinity) : Number.parseFloat(cell.replace(/^[<×] ?/, ''));
  return Number.isNaN(number) ? Infinity : number;
}

/** The order of rows by a column; equal ones stay as they are, what is missing stays last. */
function sorted(rows, column, numeric, descending) {
  const sign = descending ? -1 : 1;
  return rows.toSorted((a, b) => {
    const [first, second] = [a, b].map((row) => sortKey(row[2][column], numeric));
    if (!numeric) return sign * first.localeCompare(second, undefined, { numeric: true });
    if (first === second) return 0;
    return Number.isFinite(first) && Number.isFinite(second) ? sign * (first - second) : first < second ? -1 : 1;
  });
}

/** A table; `table` is {caption, columns: [[label, meaning, numeric]], rows: [[role, target, cells]]}. */
function renderTable(table) {
  const lines = new Map(table.rows.map((row) => [row, renderRow(row, table.columns)]));
  const body = element('tbody', {}, ...lines.values());
  const headings = table.columns.map(([label, meaning, numeric], index) =>
    element(
      'th',
      { scope: 'col', 'aria-sort': 'none', class: numeric ? 'number' : null },
      button(label, () => sortBy(index), { class: 'sort', title: meaning || null }),
    ),
  );
  const sortBy = (index) => {
    const descending = headings[index].getAttribute('aria-sort') === 'ascending';
    headings.forEach((heading) => heading.setAttribute('aria-sort', 'none'));
    headings[index].setAttribute('aria-sort', descending ? 'descending' : 'ascending');
    body.append(...sorted(table.rows, index, table.columns[index][2], descending).map((row) => lines.get(row)));
  };
  const caption = element('caption', {}, table.caption);
  const head = element('thead', {}, element('tr', {}, ...headings));
  return scrolling(table.caption, element('table', {}, caption, head, body));
}

function renderRow([role, target, cells], columns) {
  const name = textOf(cells[0]);
  const mark = role === 'reference' ? element('span', { class: 'mark' }, 'reference') : null;
  const first = element('th', { scope: 'row' }, target ? element('a', { href: `#${target}` }, name) : name, mark);
  const rest = cells.slice(1).map((cell, index) => {
    const text = textOf(cell);
    return element('td', { class: columns[index + 1][2] ? 'number' : null }, text);
  });
  return element('tr', { class: role || null, 'data-name': name.toLowerCase() }, first, ...rest);
}
