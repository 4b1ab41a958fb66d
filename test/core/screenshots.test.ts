import { expect, test } from 'vitest';
import { linkScreenshots, type Screenshot } from '../../src/core/screenshots.ts';

test('what the agent says of a picture breaks no link to it', () => {
  const of = 'a ` [b](c) | d';
  const shot = { image: 'camera/1.png', of, file: '1.png', mediaType: 'image/png', bytes: 1 };
  const shown: Screenshot[] = [
    { ...shot, shows: 'before' },
    { ...shot, shows: 'after' },
  ];
  expect(linkScreenshots(shown, 'work', () => 'https://host/1')).toBe(
    'Screenshots: [before: a b(c) d](https://host/1) · [after: a b(c) d](https://host/1)',
  );
});
