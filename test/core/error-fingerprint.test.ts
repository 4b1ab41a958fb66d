import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorIn, fingerprintOf } from '../../src/core/error-fingerprint.ts';
import { framesIn } from '../../src/core/error-frames.ts';

const of = (output: string) => fingerprintOf({ command: null, exitCode: 1, output });

/** One error as it looks here, and as it looks to somebody else; where it is; and another one. */
const samples: [name: string, here: string, there: string, place: string | null, other: string][] = [
  [
    'Node.js',
    `/home/ada/code/shop/src/cart.ts:41
    throw new TypeError("Cannot read properties of undefined (reading 'total')");
          ^

TypeError: Cannot read properties of undefined (reading 'total')
    at Cart.sum (/home/ada/code/shop/src/cart.ts:41:11)
    at checkout (/home/ada/code/shop/src/checkout.ts:12:5)
    at Layer.handle (/home/ada/code/shop/node_modules/express/lib/router/layer.js:95:5)
    at node:internal/main/run_main_module:28:49

Node.js v24.1.0`,
    `\u001b[31m2026-02-03T10:11:12.123Z TypeError: Cannot read properties of undefined (reading "total")\u001b[39m
    at Cart.sum (file:///C:/Users/Bob Doe/shop-2/src/cart.ts:57:11)
    at async checkout (file:///C:/Users/Bob Doe/shop-2/src/checkout.ts:19:5)
    at Layer.handle (C:\\Users\\Bob Doe\\shop-2\\node_modules\\express\\lib\\router\\layer.js:97:5)`,
    'src/cart.ts:41',
    `TypeError: Cannot read properties of undefined (reading 'total')
    at Invoice.print (/home/ada/code/shop/src/invoice.ts:3:11)`,
  ],
  [
    'Node.js, where a port is taken',
    'Error: listen EADDRINUSE: address already in use ::1:5432\n    at Server.setupListenHandle [as _listen2] (node:net:1908:16)\n    at start (/srv/shop/src/server.ts:9:3)',
    'Uncaught Error: listen EADDRINUSE: address already in use 127.0.0.1:8080\n    at Server.setupListenHandle [as _listen2] (node:net:1940:16)\n    at start (/tmp/w/shop/src/server.ts:10:3)',
    'src/server.ts:9',
    'Error: listen EACCES: permission denied 0.0.0.0:80\n    at start (/srv/shop/src/server.ts:9:3)',
  ],
  [
    'Python',
    `Traceback (most recent call last):
  File "/home/ada/shop/app/main.py", line 10, in <module>
    run()
  File "/home/ada/shop/app/dates.py", line 33, in parse
    return datetime.strptime(text, fmt)
  File "/usr/lib/python3.12/_strptime.py", line 653, in _strptime
    tt, fraction, gmtoff_fraction = _strptime(data_string, format)
ValueError: time data '2026-01-31' does not match format '%d.%m.%Y'`,
    `Traceback (most recent call last):
  File "/app/app/main.py", line 12, in <module>
    run()
  File "/app/app/dates.py", line 35, in parse
    return datetime.strptime(text, fmt)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/opt/venv/lib/python3.13/_strptime.py", line 674, in _strptime
ValueError: time data '2025-12-01' does not match format '%d.%m.%Y'`,
    'app/dates.py:33',
    `Traceback (most recent call last):
  File "/app/app/dates.py", line 35, in parse
    return int(text)
ValueError: invalid literal for int() with base 10: 'x'`,
  ],
  [
    'pytest',
    `____ test_total ____

    def test_total():
>       assert total([]) == 0
E       ZeroDivisionError: division by zero

shop/total.py:4: ZeroDivisionError
=== 1 failed in 0.12s ===`,
    `>       assert total([]) == 0
E   ZeroDivisionError: division by zero

/builds/acme/shop/total.py:9: ZeroDivisionError
FAILED tests/test_total.py::test_total - ZeroDivisionError: division by zero`,
    'shop/total.py:4',
    'E   ZeroDivisionError: integer modulo by zero\n\nshop/total.py:4: ZeroDivisionError',
  ],
  [
    'Java',
    `Exception in thread "main" java.lang.IllegalStateException: no rate for EUR at 12:00:01
\tat java.base/java.util.Optional.orElseThrow(Optional.java:403)
\tat com.acme.billing.Rates.find(Rates.java:51)
\tat com.acme.billing.Main.main(Main.java:9)`,
    `12:44:01.007 [error] java.lang.IllegalStateException: no rate for EUR at 13:05:59
\tat app//com.acme.billing.Rates.find(Rates.java:58)
\tat app//com.acme.billing.Main.main(Main.java:11)`,
    'com/acme/billing/Rates.java:51',
    'java.lang.IllegalStateException: no rate for EUR\n\tat com.acme.orders.Rates.find(Orders.java:51)',
  ],
  [
    'Kotlin, compiled',
    'e: file:///home/ada/shop/app/src/main/kotlin/Cart.kt:12:5 Unresolved reference: totl',
    'e: file:///tmp/w2/shop/app/src/main/kotlin/Cart.kt:14:9 Unresolved reference: totl',
    'app/src/main/kotlin/Cart.kt:12',
    'e: file:///tmp/w2/shop/app/src/main/kotlin/Cart.kt:14:9 Unresolved reference: price',
  ],
  [
    'Gradle and javac',
    '> Task :compileJava FAILED\n/home/ada/shop/src/main/java/com/acme/Cart.java:12: error: cannot find symbol\n    totl();\n    ^\n  symbol:   method totl()\n  location: class Cart\n1 error\n\nFAILURE: Build failed with an exception.',
    '> Task :app:compileJava FAILED\n/builds/x/shop/src/main/java/com/acme/Cart.java:90: error: cannot find symbol\n  totl();\n  ^\n  symbol:   method totl()\nBUILD FAILED in 3s',
    'src/main/java/com/acme/Cart.java:12',
    '/builds/x/shop/src/main/java/com/acme/Cart.java:90: error: cannot find symbol\n  price();\n  ^\n  symbol:   method price()',
  ],
  [
    'Go',
    `panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
github.com/acme/shop/internal/cart.(*Cart).Pick(0xc000012345, 0x5)
\t/home/ada/go/src/shop/internal/cart/cart.go:12 +0x1d
main.main()
\t/home/ada/go/src/shop/main.go:8 +0x1d
exit status 2`,
    `panic: runtime error: index out of range [7] with length 4

goroutine 34 [running]:
github.com/acme/shop/internal/cart.(*Cart).Pick(0xc0000aaaaa, 0x7)
\t/tmp/ci/shop/internal/cart/cart.go:19 +0x2f
main.main()
\t/tmp/ci/shop/main.go:9 +0x1d`,
    'internal/cart/cart.go:12',
    'panic: runtime error: invalid memory address or nil pointer dereference\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/ci/shop/main.go:9 +0x1d',
  ],
  [
    'go test',
    '=== RUN   TestAdd\n    add_test.go:12: got 3, want 4\n--- FAIL: TestAdd (0.00s)\n    add_test.go:12: got 3, want 4\nFAIL\tgithub.com/acme/shop\t0.005s',
    '--- FAIL: TestAdd (1.20s)\n    add_test.go:19: got 5, want 8\nFAIL',
    'add_test.go:12',
    '--- FAIL: TestAdd (1.20s)\n    add_test.go:19: no error for a negative number\nFAIL',
  ],
  [
    'go build',
    '# github.com/acme/shop\n./main.go:5:2: undefined: totl',
    './main.go:7:4: undefined: totl',
    'main.go:5',
    './main.go:7:4: undefined: price',
  ],
  [
    'Rust',
    "thread 'main' panicked at src/main.rs:4:5:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1`",
    "thread 'main' (4711) panicked at src/main.rs:14:9:\ncalled `Option::unwrap()` on a `None` value",
    'src/main.rs:4',
    "thread 'main' panicked at src/main.rs:4:5:\nattempt to divide by zero",
  ],
  [
    'cargo',
    'error[E0382]: borrow of moved value: `cart`\n  --> src/cart.rs:4:5\n   |\nerror: aborting due to 1 previous error\nerror: could not compile `shop`',
    'warning: unused variable\n  --> src/lib.rs:1:1\nerror[E0382]: borrow of moved value: `cart`\n   --> src/cart.rs:104:15',
    'src/cart.rs:4',
    'error[E0382]: borrow of moved value: `cart`\n   --> src/order.rs:104:15',
  ],
  [
    'Ruby',
    "/home/ada/shop/app/models/cart.rb:12:in `total': undefined method `sum' for nil (NoMethodError)\n\tfrom /home/ada/shop/app/models/order.rb:3:in `pay'",
    "/srv/shop/app/models/cart.rb:15:in 'total': undefined method 'sum' for nil (NoMethodError)\n\tfrom /srv/shop/bin/x.rb:3:in 'go'",
    'app/models/cart.rb:12',
    "/srv/shop/app/models/cart.rb:15:in 'price': undefined method 'sum' for nil (NoMethodError)",
  ],
  [
    'C#',
    'Unhandled exception. System.NullReferenceException: Object reference not set to an instance of an object.\n   at Shop.Cart.Total(String id) in /home/ada/shop/src/Cart.cs:line 12\n   at Shop.Program.Main() in /home/ada/shop/src/Program.cs:line 3',
    'System.NullReferenceException: Object reference not set to an instance of an object.\n   at Shop.Cart.Total(String id) in D:\\a\\shop\\src\\Cart.cs:line 21\n   at Shop.Program.Main() in D:\\a\\shop\\src\\Program.cs:line 4',
    'src/Cart.cs:12',
    'System.NullReferenceException: Object reference not set to an instance of an object.\n   at Shop.Order.Pay() in D:\\a\\shop\\src\\Order.cs:line 21',
  ],
  [
    'PHP',
    'PHP Fatal error:  Uncaught TypeError: Cart::add(): Argument #1 ($item) must be of type Item, null given, called in /var/www/html/src/Shop.php on line 7 and defined in /var/www/html/src/Cart.php:12\nStack trace:\n#0 /var/www/html/src/Shop.php(7): Cart->add()',
    'Fatal error: Uncaught TypeError: Cart::add(): Argument #1 ($item) must be of type Item, null given, called in /home/bob/shop/src/Shop.php on line 9 and defined in /home/bob/shop/src/Cart.php:15',
    'src/Shop.php:7',
    'PHP Fatal error:  Uncaught TypeError: Cart::drop(): Argument #1 ($item) must be of type Item, null given, called in /var/www/html/src/Shop.php on line 7',
  ],
  [
    'tsc',
    "src/a.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.",
    "src/a.ts:13:9 - error TS2322: Type 'string' is not assignable to type 'number'.\n\n13   x = 'a'\nFound 1 error in src/a.ts:13",
    'src/a.ts:12',
    "src/b.ts(12,5): error TS2322: Type 'string' is not assignable to type 'number'.",
  ],
  [
    'eslint',
    "\n/home/ada/shop/src/a.ts\n   1:1   warning  Missing header  header\n  12:5  error  'x' is defined but never used  no-unused-vars\n\n✖ 1 problem (1 error, 0 warnings)",
    "\n/builds/shop/src/a.ts\n  14:7  error  'x' is defined but never used  no-unused-vars",
    null,
    "\n/builds/shop/src/b.ts\n  14:7  error  'x' is defined but never used  no-unused-vars",
  ],
  [
    'vitest',
    ' FAIL  test/cart.test.ts > cart > adds\nAssertionError: expected 1 to be 2 // Object.is equality\n\n- Expected\n+ Received\n\n ❯ test/cart.test.ts:12:15\n     10|\n',
    '⎯⎯⎯ Failed Tests 1 ⎯⎯⎯\n\n FAIL  |unit| test/cart.test.ts > cart > adds\nAssertionError: expected 5 to be 7 // Object.is equality\n ❯ test/cart.test.ts:19:15',
    'test/cart.test.ts:12',
    "AssertionError: expected 'a' to be 'b' // Object.is equality\n ❯ test/cart.test.ts:19:15",
  ],
  [
    'jest',
    '  ● cart › adds\n\n    expect(received).toBe(expected) // Object.is equality\n\n    Expected: 2\n    Received: 1\n\n      at Object.<anonymous> (src/cart.test.ts:12:15)',
    '  ● cart › adds\n\n    expect(received).toBe(expected) // Object.is equality\n\n    Expected: 4\n    Received: 3\n\n      at Object.<anonymous> (src/cart.test.ts:16:15)\n      at node_modules/jest-circus/build/run.js:9:1',
    'src/cart.test.ts:12',
    '  ● cart › removes\n\n    expect(received).toBe(expected) // Object.is equality\n\n      at Object.<anonymous> (src/cart.test.ts:16:15)',
  ],
  [
    'a program that speaks plainly',
    'Connecting to 10.0.0.7...\ncould not connect to postgres at 10.0.0.7:5432 after 30s (attempt 3, id 5b1c9e0e-3c0c-4bb6-9d0b-0a1b2c3d4e5f)',
    'could not connect to postgres at 192.168.1.20:5433 after 2.5 s (attempt 9, id 11111111-2222-4333-8444-555555555555)',
    null,
    'could not connect to redis at 10.0.0.7:6379 after 30s',
  ],
  [
    'a shell',
    'bash: line 3: frob: command not found',
    'bash: line 12: frob: command not found',
    null,
    'bash: line 3: grob: command not found',
  ],
];

describe.each(samples)('%s', (_, here, there, place, other) => {
  test('is the same elsewhere, and no other', () => {
    expect(of(here)).toMatch(/^[0-9a-f]{16}$/);
    expect(of(there)).toBe(of(here));
    expect(of(other)).not.toBe(of(here));
    expect(of(other)).toMatch(/^[0-9a-f]{16}$/);
  });

  test('says where', () => {
    const [first] = framesIn(here);
    if (place === null) expect(first).toBeUndefined();
    else expect(`${first?.path}:${first?.line}`).toSatisfy((path: string) => path.endsWith(place));
  });
});

test('all of them are different errors', () => {
  const all = samples.flatMap(([, here, , , other]) => [of(here), of(other)]);
  expect(new Set(all).size).toBe(all.length);
});

test.each([
  ['', 'nothing'],
  ['   \n\n', 'blanks'],
  ['12345 67%\n0.3', 'numbers'],
  ['Error', 'an error without a word'],
  ['npm ERR! code 1\nmake: *** [all] Error 2\nexit status 1', 'that something failed'],
])('%j has none: %s', (output) => {
  expect(of(output)).toBeNull();
});

test.each([
  ["thread 'main' (4711) panicked at src/main.rs:4:5:\nindex out of bounds", 'panicked: index out of bounds'],
  ["src/a.ts(12,5): error TS2322: Type 'a' is not 'b'.", "TS2322: Type 'a' is not 'b'."],
  ['compiling\njava.lang.IllegalStateException: no rate', 'IllegalStateException: no rate'],
  ['bash: line 1: frob: command not found', 'bash: line 1: frob: command not found'],
  ['panic: no cart', 'panic: no cart'],
  ['\n 12 % \n', null],
])('%j says %j', (output, said) => {
  expect(errorIn(output)).toBe(said);
});

test('libraries come after own code, each place once', () => {
  const output = `TypeError: x is not a function
    at wrap (/p/node_modules/a/index.js:1:2)
    at <anonymous> (/p/src/b.ts:3:4)
    at again (/p/src/b.ts:3:9)
    at old (/p/vendor/c.js:5:6)
see http://localhost:3000 and example.com:443, version 1.2.3:4`;
  expect(framesIn(output)).toEqual([
    { path: '/p/src/b.ts', line: 3 },
    { path: '/p/node_modules/a/index.js', line: 1 },
    { path: '/p/vendor/c.js', line: 5 },
  ]);
});

test.each([
  '~/code/app/cart/cart.go',
  '/home/ada/work/api/cart/cart.go',
  '/home/runner/work/web/web/cart/cart.go',
  '/Users/bob/client/cart/cart.go',
  '/tmp/w/shop-7/cart/cart.go',
  'cart/cart.go',
])('a clone may be called as code is: %s', (path) => {
  expect(of(`panic: no\n\ngoroutine 6 [running]:\nmain.total(...)\n\t${path}:9`)).toBe(
    of('panic: no\n\ngoroutine 6 [running]:\nmain.total(...)\n\t/home/eve/shop/cart/cart.go:12'),
  );
});

test('whatever stands around it, it is the same error', () => {
  const pad = (number: number) => String(number).padStart(2, '0');
  const noise = fc.record({
    home: fc.constantFrom(
      '/home/eve/git/shop',
      '/tmp/w/shop-7',
      '/builds/acme/shop',
      'C:\\dev\\shop',
      '/Users/eve/shop',
    ),
    line: fc.integer({ min: 1, max: 99_999 }),
    when: fc
      .integer({ min: 0, max: 59 })
      .map((n) => `2026-0${1 + (n % 9)}-1${n % 10}T${pad(n % 24)}:${pad(n)}:${pad(n)}.${n}Z `),
    id: fc.uuid(),
    ms: fc.integer({ min: 0, max: 1e6 }),
    port: fc.integer({ min: 1, max: 65_535 }),
    quote: fc.constantFrom("'", '"', '`'),
    colour: fc.constantFrom('', '\u001b[31m', '\u001b[1;38;5;9m'),
    end: fc.constantFrom('\n', '\r\n'),
    chatter: fc.array(fc.constantFrom('', 'building 12/80', 'GET /health 200 in 3ms', 'Done in 4.5s.'), {
      maxLength: 5,
    }),
    address: fc.integer({ min: 4096, max: 2 ** 40 }).map((n) => `0x${n.toString(16)}`),
  });
  const write = (n: typeof noise extends fc.Arbitrary<infer T> ? T : never) => {
    const slash = n.home.includes('\\') ? '\\' : '/';
    const at = (path: string) => `${n.home}${slash}${path.replaceAll('/', slash)}:${n.line}:7`;
    return [
      ...n.chatter,
      `${n.when}${n.colour}TimeoutError: ${n.quote}GET /orders/${n.ms}${n.quote} at http://localhost:${n.port} (${n.id}, ${n.address}) took ${n.ms} ms; see ${n.quote}${n.home}${slash}logs${slash}out.log${n.quote}`,
      `    at fetchOrder (${at('src/orders/fetch.ts')})`,
      `    at send (${at('node_modules/undici/index.js')})`,
      `    at ${at('src/main.ts')}`,
      ...n.chatter,
    ].join(n.end);
  };
  const [plain] = fc.sample(noise, { numRuns: 1, seed: 1 });
  const expected = plain && of(write(plain));
  expect(expected).toMatch(/^[0-9a-f]{16}$/);
  fc.assert(
    fc.property(noise, (n) => {
      expect(of(write(n))).toBe(expected);
    }),
    { numRuns: 200 },
  );
});

test.each([
  ['lines without an error', `${'GET /health 200 in 3ms from 10.0.0.1\n'.repeat(130_000)}TypeError: x`],
  ['one line', `${'a'.repeat(5_000_000)} TypeError: x`],
  ['openings', '\u001b]('.repeat(1_250_000)],
  ['paths', '/a/b.ts:1 '.repeat(500_000)],
  ['frames', '    at f (/a/src/b.ts:1:2)\n'.repeat(190_000)],
  ['lines that say nothing', '    error   error   \n'.repeat(50_000)],
  ['dots and digits', '1.2.3.4:5 '.repeat(500_000)],
])('megabytes of %s take a moment', (_, output) => {
  const begun = performance.now();
  of(output);
  framesIn(output);
  // Ten times what it takes on a slow machine; a pattern that backtracks takes hours.
  expect(performance.now() - begun).toBeLessThan(10_000);
});
