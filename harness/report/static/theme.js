// Light and dark: what the system says, until the reader chooses.

const THEME = 'harness-theme';

/** What is remembered, or null; a browser may forbid it for files. */
function recall(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/** Remember something, where the browser allows it. */
function remember(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // it is forgotten: the page works all the same
  }
}

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

/** Set up the toggle; `changed` is called whenever the colours are others. */
function startTheme(changed) {
  const toggle = document.getElementById('theme');
  const show = () => {
    toggle.textContent = isDark() ? 'Light theme' : 'Dark theme';
  };
  const chosen = recall('localStorage', THEME);
  if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
  show();
  toggle.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    remember('localStorage', THEME, document.documentElement.dataset.theme);
    show();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    show();
    changed();
  });
}

/** Paper is white: the light colours until printing is over. */
function lightForPaper(changed) {
  const root = document.documentElement;
  const { theme } = root.dataset;
  root.dataset.theme = 'light';
  changed();
  const restore = () => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    changed();
  };
  addEventListener('afterprint', restore, { once: true });
}
