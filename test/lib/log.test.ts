import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createLog, type LogOptions } from '../../src/lib/log.ts';
import { createRedactor } from '../../src/lib/redact.ts';

const secret = 'k3y/Zq+9"pL0w_Xt7Rb2Nd';

function capture(options: Partial<LogOptions> = {}) {
  const destination = new PassThrough();
  const log = createLog({ level: 'info', format: 'json', secrets: [secret], destination, ...options });
  const text = () => String(destination.read() ?? '');
  return { log, text, line: () => JSON.parse(text()) as Record<string, unknown> };
}

describe('createLog', () => {
  test('writes one JSON object a line, with the fields of its parents', () => {
    const { log, line } = capture();
    log.child({ session_id: 's1', ticket: 'ENG-1' }).child({ run_id: 'r1' }).info({ turns: 3 }, 'turn done');
    expect(line()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      pid: process.pid,
      session_id: 's1',
      ticket: 'ENG-1',
      run_id: 'r1',
      turns: 3,
      msg: 'turn done',
    });
  });

  test('says nothing below its level', () => {
    const { log, text } = capture({ level: 'warn' });
    log.info('no');
    log.warn('yes');
    expect(text()).toContain('yes');
    const silent = capture({ level: 'silent' });
    silent.log.error('no');
    expect(silent.text()).toBe('');
  });

  test('shows no known value: not in the message, a field, an error, a child, nor encoded', () => {
    const { log, text } = capture();
    const base64 = Buffer.from(`user:${secret}`).toString('base64');
    const url = encodeURIComponent(secret);
    log
      .child({ note: secret })
      .error({ err: new Error(`refused ${secret}`), deep: [{ base64 }], url }, `with ${secret}`);
    const line = text();
    for (const shown of [secret, JSON.stringify(secret).slice(1, -1), base64.slice(8), url])
      expect(line).not.toContain(shown);
    expect(line).toContain('refused [redacted]');
    expect(() => JSON.parse(line)).not.toThrow();
  });

  test('shows no field whose name says that it is secret, at any depth', () => {
    const { log, line } = capture({ secrets: [] });
    const error = Object.assign(new Error('401'), { request: { headers: { Authorization: 'abc', accept: '*/*' } } });
    log.child({ apiKey: 'abc' }).info({ err: error, a: [{ accessToken: 'abc' }], token: 'abc', inputTokens: 12 }, 'x');
    expect(line()).toMatchObject({
      apiKey: '[redacted]',
      a: [{ accessToken: '[redacted]' }],
      token: '[redacted]',
      inputTokens: 12,
      err: { message: '401', request: { headers: { Authorization: '[redacted]', accept: '*/*' } } },
    });
  });

  test('shows no bearer token and no password of a URL', () => {
    const { log, line } = capture({ secrets: [] });
    log.info(`GET https://me:hunter22@host/x with Bearer abcdefgh12345, SHIPMATE_TOKEN=shp_${'a1-'.repeat(14)}b`);
    const safe = 'GET https://me:[redacted]@host/x with Bearer [redacted], SHIPMATE_TOKEN=[redacted]';
    expect(line().msg).toBe(safe);
  });

  test('survives a cycle', () => {
    const { log, line } = capture();
    const cycle: Record<string, unknown> = { name: 'a' };
    cycle.self = cycle;
    log.info({ cycle }, 'x');
    expect(line().msg).toBe('x');
  });

  test('is readable on a terminal, and redacted there too', () => {
    const { log, text } = capture({ format: 'pretty' });
    log.child({ ticket: 'ENG-1' }).info(`cloned with ${secret}`);
    const shown = text();
    expect(shown).toMatch(/INFO/);
    expect(shown).toContain('cloned with [redacted]');
    expect(shown).toContain('ticket: "ENG-1"');
    expect(shown).not.toContain(secret);
  });

  test('auto follows the destination', () => {
    expect(capture({ format: 'auto' }).log).toBeDefined();
    const plain = capture({ format: 'auto' });
    plain.log.info('x');
    expect(plain.line().msg).toBe('x');
    const destination = Object.assign(new PassThrough(), { isTTY: true });
    createLog({ level: 'info', format: 'auto', secrets: [], destination }).info('x');
    expect(() => JSON.parse(String(destination.read()))).toThrow();
  });
});

describe('createRedactor', () => {
  const { redact, find } = createRedactor([secret, 'short']);
  const disguises: Record<string, string> = {
    exact: secret,
    base64: Buffer.from(secret).toString('base64'),
    'base64, second alignment': Buffer.from(`a${secret}`).toString('base64'),
    'base64, third alignment': Buffer.from(`ab${secret}xy`).toString('base64'),
    base64url: Buffer.from(secret).toString('base64url'),
    hex: Buffer.from(secret).toString('hex'),
    'upper-case hex': Buffer.from(secret).toString('hex').toUpperCase(),
    url: encodeURIComponent(secret),
    JSON: JSON.stringify(secret),
    reversed: [...secret].reverse().join(''),
  };

  test.each(Object.entries(disguises))('%s', (_name, disguise) => {
    const text = `before ${disguise} after`;
    expect(redact(text)).toMatch(/^before .{0,4}\[redacted\].{0,5} after$/);
    expect(find(text).length).toBeGreaterThan(0);
  });

  test.each([
    ['spaces', [...secret].join(' ')],
    ['lines', [...secret].join('\n')],
    ['string literals', `'${secret.slice(0, 11)}' + "${secret.slice(11)}"`],
  ])('finds a value split by %s', (_name, text) => {
    const spans = find(`foo ${text} bar`);
    expect(spans.length).toBeGreaterThan(0);
    expect(Math.min(...spans.map((span) => span.start))).toBeGreaterThanOrEqual(4);
    expect(Math.max(...spans.map((span) => span.end))).toBeLessThanOrEqual(4 + text.length);
  });

  test('finds a long value that lacks a few characters at its ends', () => {
    const long = 'sk-0123456789abcdefghijklmnop';
    const { redact } = createRedactor([long]);
    expect(redact(`x ${long.slice(7)}`)).toBe('x [redacted]');
    expect(redact(`x ${long.slice(3, -4)}`)).toBe('x 0123[redacted]jkl');
  });

  test('leaves short values and other text alone', () => {
    expect(redact('a short story')).toBe('a short story');
    expect(find('a short story')).toEqual([]);
    expect(createRedactor([]).redact('x')).toBe('x');
  });
});
