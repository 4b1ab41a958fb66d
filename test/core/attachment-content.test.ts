import { describe, test } from 'vitest';
import { attachmentLimits, contentOf, describeAttachments } from '../../src/core/attachment-content.ts';

const bytes = (...values: (number | string)[]) =>
  new Uint8Array(values.flatMap((value) => (typeof value === 'number' ? [value] : [...Buffer.from(value)])));
const file = (name: string, size = 10) => ({ id: name, name, mediaType: 'text/plain', bytes: size });

describe('what a file is', () => {
  test.for<[string, Uint8Array, string]>([
    ['png', bytes(0x89, 'PNG\r\n', 0x1a, '\n', 0, 0), 'image/png'],
    ['jpeg', bytes(0xff, 0xd8, 0xff, 0xe0, 0), 'image/jpeg'],
    ['gif', bytes('GIF89a', 1, 0), 'image/gif'],
    ['webp', bytes('RIFF', 4, 0, 0, 0, 'WEBPVP8 '), 'image/webp'],
    ['text', bytes('Zeile 🚢\n'), 'text'],
    ['an empty one', bytes(), 'text'],
    ['a PDF', bytes('%PDF-1.7\n', 0xe2, 0xe3, 0), 'other'],
    ['latin-1', bytes('Stra', 0xdf, 'e'), 'other'],
    ['a sound in the same box as an image', bytes('RIFF', 4, 0, 0, 0, 'WAVEfmt ', 0), 'other'],
    ['the first byte of an image', bytes(0x89), 'other'],
  ])('%s is told by its first bytes', ([, content, expected], { expect }) => {
    const found = contentOf(content);
    expect(found.type === 'image' ? found.mediaType : found.type).toBe(expected);
  });
});

test('a model is given text and images within limits, and the names of the rest', ({ expect }) => {
  const image = { type: 'image', mediaType: 'image/png' } as const;
  const { texts, shown } = describeAttachments([
    { file: file('log\u202e.txt'), content: { type: 'text', text: `a\u200bb ${'x'.repeat(20_000)}` } },
    { file: file('plan.pdf', 2_000), content: { type: 'other' } },
    { file: file('mock.png'), content: image },
    { file: file('huge.png', attachmentLimits.imageBytes + 1), content: image },
    { file: file('gone.txt'), content: null, why: 'it is gone' },
    ...Array.from({ length: 5 }, () => ({
      file: file('more.txt'),
      content: { type: 'text', text: 'y\n'.repeat(5_000) } as const,
    })),
    ...Array.from({ length: 9 }, () => ({ file: file('more.png'), content: image })),
  ]);
  expect(texts[0]).toMatch(/^Attachment log\.txt \(text\/plain, 10 bytes\):\nab x+\n\[[\d,]+ characters left out\]/);
  expect(texts.slice(1, 5)).toEqual([
    'Attachment plan.pdf (text/plain, 2.0 kB): neither text nor an image, so not shown',
    'Attachment mock.png (text/plain, 10 bytes): image 1 of those shown beside this text',
    'Attachment huge.png (text/plain, 3.5 MB): an image that is too large to be shown',
    'Attachment gone.txt (text/plain, 10 bytes): not read, it is gone',
  ]);
  expect(texts.join('').length).toBeLessThan(attachmentLimits.texts + 3_000);
  expect(texts[9]).toContain('no room');
  expect(shown).toEqual([2, ...Array.from({ length: 7 }, (_, index) => 10 + index)]);
  expect(texts.at(-1)).toContain('one too many');
});
