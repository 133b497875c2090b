"""report.html and compare.html in headless Chromium: on a desktop and a phone, by day and by night."""
import os
import unittest

import browser
from harness import Case

SCREENS = [(width, dark) for width in (1280, 375) for dark in (False, True)]

# Each returns a list of what is wrong, in words.
BEYOND = """[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, svg, details:not([open])')
  && e.getClientRects().length && (e.getBoundingClientRect().right > innerWidth + 0.5 || e.getBoundingClientRect().left < -0.5))
  .map(e => e.tagName + '.' + e.className)"""
CLIPPED = """[...document.querySelectorAll('svg.plot text')].filter(t => {
  const b = t.getBoundingClientRect(), f = t.closest('figure').getBoundingClientRect();
  return b.left < f.left + 2 || b.right > f.right - 2 || b.top < f.top || b.bottom > f.bottom; }).map(t => t.textContent)"""
SMALL = """[...document.querySelectorAll('svg.plot')].flatMap(s => [...s.querySelectorAll('text')].filter(t =>
  parseFloat(getComputedStyle(t).fontSize) * s.getBoundingClientRect().width / s.viewBox.baseVal.width < 9).map(t => t.textContent))"""
# WCAG 2.1, 1.4.3: at least 4.5 to 1, for large text 3 to 1.
FAINT = """(() => {
  const numbers = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => { const [r, g, b] = numbers(c).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
                       return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                        if (numbers(c).length < 4 || numbers(c)[3] > 0) return c; } return 'rgb(255,255,255)'; };
  const wrong = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walk.nextNode();) {
    const e = n.parentElement, style = getComputedStyle(e);
    if (!/[\\p{L}\\p{N}]/u.test(n.textContent) || !e.getClientRects().length || e.closest('title, style')) continue;
    const a = light(e.closest('svg') ? style.fill : style.color), b = light(ground(e));
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < (large ? 3 : 4.5)) wrong.push(n.textContent.slice(0, 40) + ' ' + ratio.toFixed(2));
  }
  return wrong; })()"""


@unittest.skipUnless(browser.PROGRAM, "chromium is not installed")
class Pages(Case):
    @classmethod
    def setUpClass(cls):
        cls.browser = browser.Browser()
        cls.addClassCleanup(cls.browser.close)

    def look_at(self, path, columns):
        """`columns`: tiles of the cases beside each other on a desktop; 0 where there are none."""
        self.assertLess(os.path.getsize(path), 2_000_000)
        for width, dark in SCREENS:
            with self.subTest(page=os.path.basename(path), width=width, dark=dark):
                self.browser.requests.clear()
                self.browser.complaints.clear()
                self.browser.open(path, width, 800, dark)
                value = self.browser.value
                self.assertEqual(value("innerWidth"), width)
                self.assertLessEqual(value("document.documentElement.scrollWidth"), width)
                self.assertEqual(value(BEYOND), [])
                self.assertEqual(value(CLIPPED), [])
                self.assertEqual(value(SMALL), [])
                self.assertEqual(value("getComputedStyle(document.body).backgroundColor"), "rgb(14, 17, 20)" if dark else "rgb(244, 246, 248)")
                value("document.querySelectorAll('details').forEach(d => d.open = true)")
                self.assertEqual(value(FAINT), [])
                self.assertLessEqual(value("document.documentElement.scrollWidth"), width)
                if columns:
                    shown = value("getComputedStyle(document.querySelector('.cards')).gridTemplateColumns.split(' ').length")
                    self.assertEqual(shown, columns if width > 720 else 3)
                outside = [r for r in self.browser.requests if not r.startswith("data:image/png;base64,")]
                self.assertEqual(outside, ["file://" + os.path.abspath(path)])
                self.assertEqual(self.browser.complaints, [])
        return self.browser.value("[...document.querySelectorAll('image, img')].length")

    def test_the_report_of_a_trained_run(self):
        self.assert_ok(self.small("--epochs", "6", "--out", "run", "--quiet"))
        self.assertGreater(self.look_at(self.path("run", "report.html"), 6), 3)  # stages of the training, cases
        headings = self.browser.value("[...document.querySelectorAll('h2, h3')].map(h => h.textContent)")
        for name in ["ROC curve, test file", "Precision and recall, test file", "Decisions at the threshold", "Scores of the test images",
                     "Validation AUROC", "Total loss", "Test images worth a look"]:
            self.assertIn(name, headings)
        self.assertEqual(self.browser.value("[...document.querySelectorAll('.matrix strong')].map(s => +s.textContent).reduce((a, b) => a + b)"), 80)

    def test_the_report_of_a_reference(self):
        self.assert_ok(self.small("--model", "knn", "--out", "run", "--quiet"))
        self.assertEqual(self.look_at(self.path("run", "report.html"), 6), 1)

    def test_runs_side_by_side(self):
        self.assert_ok(self.small("--out", "a", "--quiet"))
        self.assert_ok(self.small("--model", "pca", "--components", "5", "--out", "b", "--quiet"))
        done = self.run_program("--compare", "a", "b")
        self.assert_ok(done)
        self.assertEqual(done.stdout, "compare.html\n")
        self.look_at(self.path("compare.html"), 0)
        cells = self.browser.value("[...document.querySelectorAll('tbody th')].map(c => c.textContent.trim())")
        self.assertEqual(cells[:2], ["■ a", "■ b"])
        self.assertIn("model", cells)
        self.assertNotIn("seed", cells)

    def test_what_cannot_be_compared(self):
        self.assert_ok(self.small("--model", "random", "--out", "a", "--quiet"))
        for flags, code, part in ((["a"], 2, "2 to 10"), (["a", "gone"], 7, "gone"), (["a", "a", "--seed", "1"], 2, "seed")):
            self.assert_refused(self.run_program("--compare", *flags), code, part)
        self.assertFalse(os.path.exists(self.path("compare.html")))


if __name__ == "__main__":
    unittest.main()
