import { test } from 'vitest';
import { ticketNameIn } from '../../src/core/ticket-name.ts';

test.for([
  [' eng-12 ', 'eng-12'],
  ['#12', '#12'],
  ['acme/app#12', 'acme/app#12'],
  ['board://BOARD-12', 'BOARD-12'],
  ['https://linear.app/acme-1/issue/ENG-12/wrong-zone-2#comment-1', 'ENG-12'],
  ['<https://example.atlassian.net/browse/OPS-7>', 'OPS-7'],
  ['https://github.com/acme/app/issues/12', 'acme/app#12'],
  ['https://github.example.com:8443/acme/app.js/pull/12/files?w=1', 'acme/app.js#12'],
  ['https://example.com/issues/12', 'https://example.com/issues/12'],
  ['', ''],
])('%s is %s', ([written = '', name], { expect }) => {
  expect(ticketNameIn(written)).toBe(name);
});
