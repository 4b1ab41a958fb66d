/** The small project that the scripted changes are made on. `slug` has a bug: it knows one space only. */
export const priceJs = `export function total(items) {
  let sum = 0;
  for (const item of items) sum += item.price * item.count;
  return sum;
}

export function withDiscount(price, percent) {
  return price - (price * percent) / 100;
}
`;

export const brokenPriceJs = priceJs.replace('item.price * item.count', 'item.price');

export const slugJs = `export function slug(text) {
  return text.toLowerCase().replace(' ', '-');
}
`;

export const fixedSlugJs = slugJs.replace("replace(' '", "replaceAll(' '");

export const priceTest = `import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { total, withDiscount } from '../src/price.js';

const cases = JSON.parse(readFileSync(new URL('fixtures/totals.json', import.meta.url), 'utf8'));

test('adds up', () => {
  assert.equal(total([{ price: 2, count: 3 }, { price: 1, count: 1 }]), 7);
});

test('adds up as in the table', () => {
  for (const { items, expected } of cases) assert.equal(total(items), expected);
});

test('takes the discount off', { timeout: 600 }, async () => {
  assert.equal(await withDiscount(200, 10), 180);
});
`;

export const slugTest = `import assert from 'node:assert/strict';
import test from 'node:test';
import { slug } from '../src/slug.js';

test('lower case', () => {
  assert.equal(slug('Hello'), 'hello');
});

test('a space becomes a dash', () => {
  assert.equal(slug('Hello World'), 'hello-world');
});
`;

export const reproduction = `
test('every space becomes a dash', () => {
  assert.equal(slug('One Two Three'), 'one-two-three');
  assert.equal(slug('a b c d'), 'a-b-c-d');
});
`;

export const makefile = `TESTS = test/price.test.js test/slug.test.js

check:
\tnode --test $(TESTS)
`;

export const testSh = `#!/bin/sh
set -e
node --test test/price.test.js test/slug.test.js
`;

export const packageJson = {
  name: 'shop',
  private: true,
  type: 'module',
  scripts: { test: 'node --test', build: 'node build.js' } as Record<string, string>,
};

export const shop: Record<string, string> = {
  'package.json': JSON.stringify(packageJson, null, 2),
  '.gitignore': 'generated/\n',
  'README.md': '# Shop\n',
  Makefile: makefile,
  'scripts/test.sh': testSh,
  'src/price.js': priceJs,
  'src/slug.js': slugJs,
  'test/price.test.js': priceTest,
  'test/slug.test.js': slugTest,
  'test/fixtures/totals.json': JSON.stringify([{ items: [{ price: 5, count: 2 }], expected: 10 }]),
  'test/self.sh': `#!/bin/sh
node -e "import('./src/slug.js').then(({ slug }) => process.exit(slug('A B') === 'a-b' ? 0 : 1))"
`,
};

/** The same with a test that the bug makes red. */
export const redShop: Record<string, string> = { ...shop, 'test/slug.test.js': slugTest + reproduction };

export const python: Record<string, string> = {
  'shop.py': `def total(prices):
    return sum(prices)


def slug(text):
    return text.lower().replace(" ", "-", 1)
`,
  'pyproject.toml': `[project]
name = "shop"

[tool.pytest.ini_options]
testpaths = ["tests"]
`,
  'tests/test_shop.py': `from shop import slug, total


def test_total():
    assert total([1, 2]) == 3


def test_slug():
    assert slug("Hello World") == "hello-world"
`,
  'conftest.py': '',
};
