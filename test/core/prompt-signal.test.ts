import { test } from 'vitest';
import { readSignal } from '../../src/core/prompt-signal.ts';

test.for([
  ['stop', 'stop'],
  ['  Stop!\n', 'stop'],
  ['@shipmate stop', 'stop'],
  ['@Shipmate, STOP.', 'stop'],
  ['@shipmate: continue', 'continue'],
  ['continue', 'continue'],
  ['stop using tabs', null],
  ["don't stop", null],
  ['@bob stop', null],
  ['@shipmatestop', null],
  ['@shipmate', null],
  ['stop stop', null],
  ['sto\u200Bp', null],
  ['select', null],
  ['constructor', null],
  ['', null],
] as const)('%j reads as %s', ([body, signal], { expect }) => {
  expect(readSignal(body, 'shipmate')).toBe(signal);
});

test("an agent's name may hold what a pattern would trip over", ({ expect }) => {
  expect(readSignal('@ship (mate)* stop', 'ship (mate)*')).toBe('stop');
});
