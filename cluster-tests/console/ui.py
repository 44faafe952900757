"""What a person does on the page, and what they find there: by words and roles, not by the page's own names."""

import json

# Finds the button or link of these words in the topmost dialog, or in the view that is shown.
FIND = """(words => {
  const dialogs = document.querySelectorAll('dialog[open]');
  const places = dialogs.length ? [[...dialogs].at(-1)] : [document.body];
  const shown = (node) => node.checkVisibility() && !node.disabled;
  const named = (node) => (node.getAttribute('aria-label') || node.textContent).trim();
  return places.flatMap((place) => [...place.querySelectorAll('button, a, summary')])
    .find((node) => shown(node) && (named(node) === words || node.textContent.trim() === words));
})"""
# Finds an input by its label.
LABELLED = """(words => {
  const dialogs = document.querySelectorAll('dialog[open]');
  const place = dialogs.length ? [...dialogs].at(-1) : document.body;
  const label = [...place.querySelectorAll('label')].find((node) => node.checkVisibility() && node.textContent === words);
  return label && label.control;
})"""


class Person:
    def __init__(self, page):
        self.page = page

    def goes_to(self, view):
        self.page.run(f"location.hash = '#/{view}'")
        name = view.split("/")[0]
        self.page.wait(f"!document.getElementById('view-{name}').hidden")

    def clicks(self, words):
        """Presses a button or link."""
        found = f"{FIND}({json.dumps(words)})"
        self.page.wait(f"Boolean({found})", f"a button {words!r}")
        self.page.run(f"(node => {{ node.focus(); node.click(); }})({found})")

    def fills(self, label, text):
        """Types into an input, over what was there."""
        found = f"{LABELLED}({json.dumps(label)})"
        self.page.wait(f"Boolean({found})", f"an input {label!r}")
        self.page.run(f"(node => {{ node.focus(); node.select(); }})({found})")
        if text:
            self.page.type(text)
        else:
            self.page.run("document.execCommand('delete')")

    def chooses(self, label, value):
        """Chooses from a list."""
        found = f"{LABELLED}({json.dumps(label)})"
        self.page.wait(f"Boolean({found})", f"a list {label!r}")
        self.page.run(f"(node => {{ node.value = {json.dumps(value)}; node.dispatchEvent(new Event('change')); }})({found})")

    def reads(self, label):
        """What an input holds."""
        return self.page.wait(f"({LABELLED}({json.dumps(label)}) || {{}}).value", f"an input {label!r}")

    def sees(self, words, seconds=30):
        """Waits until the words are somewhere on the page, be it in a dialog."""
        self.page.wait(f"document.body.innerText.includes({json.dumps(words)})", f"to see {words!r}", seconds)

    def sees_no_more(self, words):
        self.page.wait(f"!document.body.innerText.includes({json.dumps(words)})", f"no more {words!r}")

    def row(self, table, name):
        """The texts of the cells of a row, by the table's caption and the words its first cell begins with."""
        return self.page.run(f"""(() => {{
          const tables = [...document.querySelectorAll('table')].filter((node) => node.checkVisibility());
          const table = tables.find((node) => node.caption.textContent === {json.dumps(table)});
          const rows = table ? [...table.tBodies[0].rows] : [];
          const row = rows.find((node) => node.cells[0].textContent.startsWith({json.dumps(name)}));
          return row ? [...row.cells].map((cell) => cell.textContent) : null;
        }})()""")

    def waits_for_row(self, table, name, holds, what):
        """Waits until a row is there and as it should be; its cells."""
        deadline_looks = 600
        for _ in range(deadline_looks):
            cells = self.row(table, name)
            if cells and holds(cells):
                return cells
            self.page.run("new Promise((wake) => setTimeout(wake, 50))")
        raise AssertionError(f"row {name!r} of {table!r} never was: {what}; it is {self.row(table, name)}")

    def focus(self):
        """The name of what has the focus."""
        return self.page.run("(node => node.getAttribute('aria-label') || (node.labels && node.labels[0] || node).textContent)"
                             "(document.activeElement).trim()")

    def tabs_to(self, words, most=60):
        """Goes on by Tab until that has the focus, as one without a mouse does."""
        for _ in range(most):
            if self.focus() == words:
                return
            self.page.press("Tab")
        raise AssertionError(f"Tab never reaches {words!r}")
