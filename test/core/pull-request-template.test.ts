import { describe, test } from 'vitest';
import { fillTemplate, templatePath } from '../../src/core/pull-request-template.ts';

const parts = [
  { title: 'What', text: 'Adds a unit.' },
  { title: 'Why', text: 'ENG-1: kelvin is missing' },
  { title: 'How it was verified', text: '| npm test | passed |' },
  { title: 'Risk', text: '' },
];

describe("a repository's own template", () => {
  test('has our words below its headings, its boxes as they were, and the rest after it', ({ expect }) => {
    const template = [
      '<!-- Thank you! @everyone -->',
      'Please read CONTRIBUTING first.',
      '## Description of the change',
      '<!-- what -->',
      '```\n## no heading\n```',
      '## How has this been tested?',
      '## Checklist',
      '- [ ] I have updated the docs',
      '## Rollout risk',
      'None?',
    ].join('\n');
    expect(fillTemplate(template, parts)).toBe(
      [
        'Please read CONTRIBUTING first.',
        ...['## Description of the change', 'Adds a unit.', '```\n## no heading\n```'],
        ...['## How has this been tested?', '| npm test | passed |'],
        ...['## Checklist', '- [ ] I have updated the docs', '## Rollout risk', 'None?'],
        ...['## Why', 'ENG-1: kelvin is missing'],
      ].join('\n\n'),
    );
  });

  test.for(['', 'Say what you did.', '## Zusammenhang\n\n- [ ] x', '```\n## Summary'])(
    'has none of our headings: %j',
    (template, { expect }) => {
      expect(fillTemplate(template, parts)).toBeNull();
    },
  );

  test.for<[string[], string | null]>([
    [['README.md'], null],
    [['docs/pull_request_template.md', '.github/PULL_REQUEST_TEMPLATE.md'], '.github/PULL_REQUEST_TEMPLATE.md'],
    [['pull_request_template.md'], 'pull_request_template.md'],
    [['src/pull_request_template.md'], null],
  ])('lies where GitHub looks for it: %j', ([paths, expected], { expect }) => {
    expect(templatePath(paths)).toBe(expected);
  });
});
