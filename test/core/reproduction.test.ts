import { expect, test } from 'vitest';
import { sayingOf } from '../../src/core/reproduction.ts';

const node = `▶ cart
  ✖ costs nothing (1.2ms)
✔ adds up (0.3ms)
ℹ fail 1

✖ failing tests:

test at src/empty.test.js:5:1
✖ costs nothing (1.2ms)
  TypeError [Error]: Cannot read properties of undefined (reading 'reduce')
      at total (file:///w/src/cart.js:1:37)`;
const vitest = ` FAIL  src/cart.test.ts > cart > costs nothing
\u001b[31mAssertionError\u001b[39m: expected 1 to be +0 // Object.is equality
 ❯ src/cart.test.ts:5:22`;
const jest = `  ● cart › costs nothing

    expect(received).toBe(expected) // Object.is equality

    Expected: 0
    Received: 1`;
const pytest = `_______________________ test_costs_nothing _______________________

    def test_costs_nothing():
>       assert total({}) == 0
E       KeyError: 'items'

cart.py:2: KeyError`;
const go = `--- FAIL: TestCostsNothing (0.00s)
panic: runtime error: index out of range [0] with length 0 [recovered]
    cart.go:4 +0x1d`;
const two = `not ok 1 - adds up
  error: 'one is wrong'
not ok 2 - costs nothing
  error: 'another is wrong'`;

test.each([
  ['node', node, 'costs nothing', "TypeError [Error]: Cannot read properties of undefined (reading 'reduce')"],
  ['vitest', vitest, 'cart > costs nothing', 'AssertionError: expected 1 to be +0 // Object.is equality'],
  ['jest', jest, 'cart › costs nothing', 'expect(received).toBe(expected) // Object.is equality'],
  ['pytest', pytest, 'cart.py::test_costs_nothing', "E       KeyError: 'items'"],
  ['go', go, 'TestCostsNothing', 'panic: runtime error: index out of range [0] with length 0 [recovered]'],
  ['the words of another test', two, 'costs nothing', "error: 'another is wrong'"],
  ['a command that names no tests', 'starting\nerror: it broke\n', undefined, 'error: it broke'],
  ['a test that the output does not name', 'Error: it broke', 'elsewhere', 'Error: it broke'],
  ['nothing of an error', 'one\ntwo: errors are 0\n', undefined, null],
  ['a long line', `Error: ${'x'.repeat(1e6)}`, undefined, `Error: ${'x'.repeat(293)}`],
])('what red output says: %s', (_, log, name, expected) => {
  expect(sayingOf(log, name)).toBe(expected);
});
