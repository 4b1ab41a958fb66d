import { describe, expect, it } from 'vitest';
import { parseRepositoryConfig, RepositoryConfigError } from '../../src/workspaces/repository-config.ts';

describe('.shipmate.yml', () => {
  it('is read as it is written', () => {
    const text =
      'setup: [npm ci]\nverify:\n  fast: [npm test]\n  full: [npm test, npm run lint]\nfix: [npx biome check --write]\nscan: [npm audit]\npreview: [npm run e2e]\n';
    expect(parseRepositoryConfig(text)).toEqual({
      setup: ['npm ci'],
      verify: { fast: ['npm test'], full: ['npm test', 'npm run lint'] },
      fix: ['npx biome check --write'],
      scan: ['npm audit'],
      preview: { commands: ['npm run e2e'], environment: null },
    });
  });

  it('says nothing when it is absent or empty', () => {
    const nothing = { setup: null, verify: null, fix: [], scan: [], preview: null };
    expect(parseRepositoryConfig(null)).toEqual(nothing);
    expect(parseRepositoryConfig('# later\n')).toEqual(nothing);
  });

  it('takes a plain list, or one of fast and full, for both', () => {
    const both = { fast: ['make'], full: ['make'] };
    expect(parseRepositoryConfig('verify: [make]').verify).toEqual(both);
    expect(parseRepositoryConfig('verify: {fast: [make]}').verify).toEqual(both);
    expect(parseRepositoryConfig('verify: {full: [make]}').verify).toEqual(both);
    expect(parseRepositoryConfig('setup: []').setup).toEqual([]);
  });

  it('takes the commands for a preview with the environment that is meant', () => {
    const text = 'preview: { commands: [npm run e2e], environment: Preview – web }';
    expect(parseRepositoryConfig(text).preview).toEqual({ commands: ['npm run e2e'], environment: 'Preview – web' });
  });

  it.each([
    ['preview: {command: a}', 'preview: expected a list of commands, or a mapping with commands and environment, got'],
    ['setup: npm ci', 'setup: expected a list of commands, got "npm ci"'],
    ['setup: [npm ci, 5]', 'setup[1]: expected a command, as text that is not empty, got 5'],
    ['setup: [" "]', 'setup[0]: expected a command, as text that is not empty, got " "'],
    ['verify: {fats: [a]}', 'verify.fats: there is no such key; there are fast and full'],
    ['verify: {}', 'verify: expected a list of commands, or a mapping with fast and full, got {}'],
    ['verify: {fast: x}', 'verify.fast: expected a list of commands, got "x"'],
    ['verify: 3', 'verify: expected a list of commands, or a mapping with fast and full, got 3'],
    ['verify: [[a]]', 'verify[0]: expected a command, as text that is not empty, got ["a"]'],
    ['tests: [a]', 'tests: there is no such key; there are setup, verify, fix, scan and preview'],
    ['- a', 'the file: expected a mapping with any of the keys setup, verify, fix, scan and preview, got ["a"]'],
    ['setup: [a\nfix: b', 'line 2'],
    ['fix: [a]\nfix: [b]', 'line 2'],
  ])('refuses %j and says where and why', (text, message) => {
    expect(() => parseRepositoryConfig(text)).toThrow(RepositoryConfigError);
    expect(() => parseRepositoryConfig(text)).toThrow(message);
  });

  it('names every problem at once', () => {
    const problems = /setup: expected.*nope: there is no such key.*verify\.fast: expected/s;
    expect(() => parseRepositoryConfig('setup: 1\nverify: {fast: 2}\nfix: [x]\nnope: 3')).toThrow(problems);
  });
});
