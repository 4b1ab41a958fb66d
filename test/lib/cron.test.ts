import { describe, test } from 'vitest';
import { isCron, isTimeZone, lastDue, nextDue } from '../../src/lib/cron.ts';

const longAgo = new Date('2020-01-01T00:00:00Z');
const last = (cron: string, zone: string, until: string, since = longAgo) =>
  lastDue(cron, zone, since, new Date(until))?.toISOString() ?? null;

describe('the last time at which something was due', () => {
  test.for([
    ['at that very moment', '0 8 * * *', 'UTC', '2026-11-21T08:00:00.000Z', '2026-11-21T08:00:00.000Z'],
    ['a moment before', '0 8 * * *', 'UTC', '2026-11-21T07:59:59.999Z', '2026-11-20T08:00:00.000Z'],
    ['every minute', '* * * * *', 'UTC', '2026-11-21T08:00:30.000Z', '2026-11-21T08:00:00.000Z'],
    ['on work days', '0 6 * * mon-fri', 'Europe/Berlin', '2026-11-22T12:00:00.000Z', '2026-11-20T05:00:00.000Z'],
    ['once a year', '30 9 1 1 *', 'UTC', '2026-11-21T08:00:00.000Z', '2026-01-01T09:30:00.000Z'],
    ['on the 29th of February', '0 0 29 2 *', 'UTC', '2026-11-21T08:00:00.000Z', '2024-02-29T00:00:00.000Z'],
    ['by a name', '@daily', 'UTC', '2026-11-21T08:00:00.000Z', '2026-11-21T00:00:00.000Z'],
    // The clocks went from 2:00 to 3:00 at 01:00Z on 28 March 2027: 2:30 was made up for at 3:30.
    [
      'the day before a skipped hour',
      '30 2 * * *',
      'Europe/Berlin',
      '2027-03-28T01:29:00Z',
      '2027-03-27T01:30:00.000Z',
    ],
    ['in a skipped hour', '30 2 * * *', 'Europe/Berlin', '2027-03-28T01:31:00Z', '2027-03-28T01:30:00.000Z'],
    ['asked hours later', '30 2 * * *', 'Europe/Berlin', '2027-03-28T04:10:00Z', '2027-03-28T01:30:00.000Z'],
    ['the day after', '30 2 * * *', 'Europe/Berlin', '2027-03-29T00:31:00Z', '2027-03-29T00:30:00.000Z'],
    ['8:00 on the day of the change', '0 8 * * *', 'Europe/Berlin', '2027-03-28T12:00:00Z', '2027-03-28T06:00:00.000Z'],
    // They went from 3:00 back to 2:00 at 01:00Z on 25 October 2026: of 2:30, the first.
    [
      'in a repeated hour, the first',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T00:31:00Z',
      '2026-10-25T00:30:00.000Z',
    ],
    ['in a repeated hour, once', '30 2 * * *', 'Europe/Berlin', '2026-10-25T01:31:00Z', '2026-10-25T00:30:00.000Z'],
    ['asked hours later', '30 2 * * *', 'Europe/Berlin', '2026-10-25T05:00:00Z', '2026-10-25T00:30:00.000Z'],
    ['every hour, both', '0 * * * *', 'Europe/Berlin', '2026-10-25T01:10:00Z', '2026-10-25T01:00:00.000Z'],
  ] as const)('%s: %s %s', ([, cron, zone, until, due], { expect }) => {
    expect(last(cron, zone, until)).toBe(new Date(due).toISOString());
  });

  test('over a change of the clocks, whoever asks every ten minutes hears of each night once', ({ expect }) => {
    for (const [from, nights] of [
      ['2026-10-23T12:00:00Z', ['24T00:30', '25T00:30', '26T01:30']],
      ['2027-03-26T12:00:00Z', ['27T01:30', '28T01:30', '29T00:30']],
    ] as const) {
      const heard = new Set<string>();
      for (let minutes = 0; minutes < 3 * 24 * 60; minutes += 10) {
        const until = new Date(Date.parse(from) + minutes * 60_000);
        const due = lastDue('30 2 * * *', 'Europe/Berlin', new Date(from), until);
        if (due) heard.add(due.toISOString().slice(8, 16));
      }
      expect([...heard]).toEqual(nights);
    }
  });

  test('of what was missed there is one, the last; of what was before, none', ({ expect }) => {
    const since = new Date('2026-11-18T06:00:00Z');
    expect(last('0 6 * * *', 'UTC', '2026-11-21T12:00:00Z', since)).toBe('2026-11-21T06:00:00.000Z');
    expect(last('0 6 * * *', 'UTC', '2026-11-19T05:00:00Z', since)).toBe(null);
    expect(last('0 6 1 1 *', 'UTC', '2026-11-21T12:00:00Z', since)).toBe(null);
  });
});

test('the next time is after the moment that is given', ({ expect }) => {
  const next = nextDue('0 6 * * mon', 'Europe/Berlin', new Date('2026-11-23T05:00:00Z'));
  expect(next.toISOString()).toBe('2026-11-30T05:00:00.000Z');
});

test.for([
  ['0 6 * * *', true],
  ['*/15 8-18 * * mon-fri', true],
  ['@hourly', true],
  ['', false],
  ['* * * *', false],
  ['* * * * * *', false],
  ['61 * * * *', false],
  ['0 0 30 2 *', false],
  ['H 6 * * *', false],
  ['@reboot', false],
  ['FREQ=DAILY', false],
  ['a b c d e', false],
] as const)('"%s" is a cron expression: %s', ([text, isOne], { expect }) => {
  expect(isCron(text)).toBe(isOne);
});

test.for([
  ['UTC', true],
  ['Europe/Berlin', true],
  ['America/Argentina/Buenos_Aires', true],
  ['Europe/Berln', false],
  ['', false],
  ['+01:00', false],
] as const)('"%s" is a time zone: %s', ([name, isOne], { expect }) => {
  expect(isTimeZone(name)).toBe(isOne);
});
