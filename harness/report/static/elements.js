// Making elements. Text from results becomes text only: nothing here parses HTML.

/** An element with attributes (a function is a listener) and children (strings become text). */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A button that does something. */
function button(label, action, attributes = {}) {
  return element('button', { type: 'button', class: 'tool', click: action, ...attributes }, label);
}

/** A box that scrolls sideways by itself, also with the keyboard, so that the page does not. */
function scrolling(label, child) {
  return element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, child);
}

/** Hand a file to the reader. */
function save(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
