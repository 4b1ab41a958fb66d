import { expect, test } from 'vitest';
import { builtInForm, FormError, fillForm, placeholders, readForm } from '../../src/core/ticket-form.ts';

const empty = Object.fromEntries(placeholders.map((name) => [name, ''])) as Parameters<typeof fillForm>[1];

test('the built-in form is one', () => {
  expect(readForm(builtInForm).text).toBe(builtInForm);
});

test.each([
  ['', 'is empty'],
  ['<!-- {{what}} -->\n', 'is empty'],
  [
    '{{what}} {{wat}}',
    'has {{wat}}, which means nothing here. What may stand in it: {{what}}, {{where}}, {{evidence}}',
  ],
  ['{{what}}\n{{}}', 'has {{}}, which means nothing here'],
  ['{{what}}\n{{ What }}', 'has {{What}} twice'],
  ['{{where}}', 'has no {{what}}'],
  [`{{what}}${'x'.repeat(8_000)}`, 'has 8008 characters, of 8000 at most'],
])('%j is no form: it %s', (text, why) => {
  expect(() => readForm(text)).toThrow(FormError);
  expect(() => readForm(text)).toThrow(`The form of a ticket ${why}`);
});

test('what stays empty is left out, with its heading', () => {
  const form = readForm(`---
name: Bug
---
<!-- for people -->
# What
{{ WHAT }}

# Evidence

{{evidence}}

# Reproduce
## Steps
- {{steps}}
## Expected
{{expected}}

# Notes for QA

# Criteria
- [ ] {{criteria}}
Reported by: {{by}}
\`\`\`
# {{environment}}
\`\`\`
`);
  expect(
    fillForm(form, { ...empty, what: 'It\nbreaks $& {{by}}', criteria: '- [ ] a\n- [ ] b', expected: 'x' }),
  ).toBe(`# What

It
breaks $& {{by}}

# Reproduce

## Expected

x

# Notes for QA

# Criteria

- [ ] a
- [ ] b
\`\`\`
\`\`\``);
});

test('without anything nothing is left of the built-in form but who brought it', () => {
  expect(fillForm({ text: builtInForm }, { ...empty, by: 'Ada' })).toBe('## Captured\n\nBy Ada');
});
