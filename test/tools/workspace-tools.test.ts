import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ToolResult } from '../../src/core/tool.ts';
import { createWorkspaceTools } from '../../src/tools/workspace-tools.ts';
import { type Opened, openSandbox, workingDriver } from './open-sandbox.ts';

const kind = await workingDriver();

describe(`in ${kind}`, () => {
  let opened: Opened;
  let call: (name: string, input: unknown, signal?: AbortSignal) => Promise<ToolResult>;

  beforeAll(async () => {
    opened = await openSandbox(kind);
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    const { sandbox, dir } = opened;
    await run('rm -rf ./* ./.[a-z]* out');
    const tools = createWorkspaceTools({
      sandbox,
      dir,
      outputDir: `${dir}/out`,
      limits: { maxOutputBytes: 1_000_000 },
    });
    call = async (name, input, signal = new AbortController().signal) => {
      const tool = tools.find((each) => each.name === name);
      if (!tool) throw new Error(`no tool ${name}`);
      return tool.run(input, { key: 'turn:3/1:bash', signal, scope: noScope });
    };
  });
  const run = (command: string) =>
    opened.sandbox.exec(['sh', '-c', command], {
      signal: new AbortController().signal,
      limits: { timeoutMs: 10_000, maxOutputBytes: 1_000_000 },
    });
  const on = (path: string) => join(opened.dir, path);

  describe('bash', () => {
    test('answers with exit code, time and both streams in order', async () => {
      const result = await call('bash', { command: 'echo one; echo two >&2; echo three; exit 3' });
      expect(result).toEqual({
        text: expect.stringMatching(/^exit 3 in \d+\.\d s\none\ntwo\nthree$/),
        isError: true,
        summary: expect.stringMatching(/^exit 3 in \d+\.\d s$/),
      });
      expect(await call('bash', { command: '[[ $PWD == */work ]]' })).toMatchObject({
        text: expect.stringMatching(/^exit 0 in \d+\.\d s$/),
        isError: false,
      });
    });

    test('keeps nothing from one call to the next, and reads no input', async () => {
      await call('bash', { command: 'cd /; export A=1; cat' });
      expect((await call('bash', { command: 'echo "$PWD $A"' })).text).toMatch(/work$/m);
    });

    test('long output is cut in the middle and kept whole in a file', async () => {
      const { text } = await call('bash', { command: 'seq 1 20000' });
      expect(text.length).toBeLessThan(16_300);
      expect(text).toMatch(/^exit 0 in .*\n1\n2\n/);
      expect(text).toMatch(/\n19999\n20000$/);
      expect(text).toContain(`characters left out; the whole is in ${opened.dir}/out/turn-3-1-bash.txt]`);
      const kept = await readFile(on('out/turn-3-1-bash.txt'), 'utf8');
      expect(kept).toBe(Array.from({ length: 20_000 }, (_, index) => index + 1).join('\n'));
    });

    test('a flood is stopped', async () => {
      const result = await call('bash', { command: 'yes' });
      expect(result).toMatchObject({
        isError: true,
        summary: 'killed: more than 1 MB of output; redirect it to a file',
      });
      expect(result.text.length).toBeLessThan(17_000);
    });

    test('what takes too long is stopped, and what it started', async () => {
      const result = await call('bash', { command: 'sleep 1000 & sleep 1000', timeoutSeconds: 1 });
      expect(result).toMatchObject({ isError: true, text: 'killed after 1 s' });
      expect(await call('bash', { command: 'true', timeoutSeconds: 601 })).toMatchObject({
        isError: true,
        text: expect.stringContaining('expected number to be <=600'),
      });
    });

    test('colours, progress bars and bytes that are no text do not reach the model', async () => {
      const result = await call('bash', {
        command: String.raw`printf '\033[31mred\033[0m\n10%%\r50%%\r100%%\na\0b\xff\r\n'`,
      });
      expect(result.text.split('\n').slice(1)).toEqual(['red', '100%', 'a\ufffdb\ufffd']);
    });

    test('a command too long for a shell is refused', async () => {
      expect(await call('bash', { command: `: ${'x'.repeat(150_000)}` })).toMatchObject({
        isError: true,
        text: expect.stringContaining('too long for a shell'),
      });
    });
  });

  describe('read', () => {
    test('shows a file as it is', async () => {
      await run(`printf 'one\\n\\ttwo\\n' > a.txt`);
      expect(await call('read', { path: 'a.txt' })).toEqual({ text: 'one\n\ttwo', isError: false, summary: '2 lines' });
      expect((await call('read', { path: on('a.txt') })).text).toBe('one\n\ttwo');
    });

    test('shows a range of lines and where to go on', async () => {
      await run('seq 1 100 > n');
      expect((await call('read', { path: 'n', offset: 10, limit: 2 })).text).toBe(
        '10\n11\n[lines 10-11 of 100 lines; go on with offset 12]',
      );
      expect((await call('read', { path: 'n', offset: 99 })).text).toBe('99\n100\n[lines 99-100 of 100 lines]');
      expect(await call('read', { path: 'n', offset: 101 })).toMatchObject({
        isError: true,
        text: 'n has 100 lines; offset 101 is past them.',
      });
    });

    test('shows as much of a long file as fits, in whole lines', async () => {
      await run('seq 1 20000 > n');
      const { text } = await call('read', { path: 'n' });
      expect(text.length).toBeLessThan(32_100);
      const last = Number(
        /\[lines 1-([\d,]+) of 20,000 lines; go on with offset \d+\]$/.exec(text)?.[1]?.replace(',', ''),
      );
      expect(text.split('\n').at(-2)).toBe(String(last));
      expect((await call('read', { path: 'n', offset: last + 1 })).text).toMatch(new RegExp(`^${last + 1}\n`));
    });

    test('shows a piece of a file of any size', async () => {
      await run(`seq 1 1000000 > n; truncate -s 3G sparse; head -c 3000000 /dev/zero | tr '\\0' x > line`);
      expect((await call('read', { path: 'n', offset: 900_000, limit: 1 })).text).toBe(
        '900000\n[lines 900,000-900,000 of 6,888,896 bytes; go on with offset 900001]',
      );
      expect(await call('read', { path: 'sparse' })).toMatchObject({
        isError: true,
        text: 'sparse is not text (over 1,000,000 bytes). Look at it with a program in bash.',
      });
      const { text } = await call('read', { path: 'line' });
      expect(text).toMatch(
        /^x{32000}\n\[line 1 of 3,000,000 bytes is longer than can be shown; see the rest with cut in bash\]$/,
      );
    });

    test('says what else a path is', async () => {
      await run(
        `mkdir d; touch d/a d/.b empty; mkdir d/sub; printf 'a\\0b' > bin; mkfifo pipe; printf 'x' > locked; chmod 0 locked; ln -s nowhere dangling`,
      );
      expect((await call('read', { path: 'd' })).text).toBe('d is a directory:\n.b\na\nsub/');
      expect((await call('read', { path: 'empty' })).text).toBe('[empty is empty]');
      expect((await call('read', { path: 'bin' })).text).toBe(
        'bin is not text (3 bytes). Look at it with a program in bash.',
      );
      expect((await call('read', { path: 'pipe' })).text).toBe('pipe is not a regular file.');
      expect((await call('read', { path: '/dev/zero' })).text).toBe('/dev/zero is not a regular file.');
      expect((await call('read', { path: 'none' })).text).toBe('There is no file none.');
      expect((await call('read', { path: 'dangling' })).text).toBe('There is no file dangling.');
      expect((await call('read', { path: 'a\0b' })).isError).toBe(true);
      if (kind === 'bubblewrap' || process.getuid?.() !== 0)
        expect((await call('read', { path: 'locked' })).text).toMatch(/^locked: .*Permission denied/);
    });

    test('takes any name for a name', async () => {
      for (const name of ['-n', ' a b ', '$(touch pwned)', "it's", 'new\nline', 'ä"']) {
        expect(await call('write', { path: name, content: `in ${name}` })).toMatchObject({ isError: false });
        expect((await call('read', { path: name })).text).toBe(`in ${name}`);
      }
      expect((await call('read', { path: 'pwned' })).isError).toBe(true);
    });
  });

  describe('write and edit', () => {
    test('write makes directories, replaces, and keeps the mode', async () => {
      expect(await call('write', { path: 'a/b/c.sh', content: '#!/bin/sh\n' })).toEqual({
        text: 'Wrote a/b/c.sh (1 line).',
        isError: false,
        summary: '1 line',
      });
      await run('chmod 755 a/b/c.sh');
      await call('write', { path: 'a/b/c.sh', content: '' });
      expect((await stat(on('a/b/c.sh'))).mode & 0o777).toBe(0o755);
      expect(await readFile(on('a/b/c.sh'), 'utf8')).toBe('');
      expect(await call('write', { path: 'a/b', content: 'x' })).toMatchObject({ isError: true });
      expect(await call('write', { path: 'a/b/c.sh/d', content: 'x' })).toMatchObject({ isError: true });
    });

    test('edit makes all edits or none', async () => {
      await call('write', { path: 'a.ts', content: 'let a = 1;\nlet b = 2;\n' });
      const edits = [
        { oldText: 'a = 1', newText: 'a = 10' },
        { oldText: 'b = 2;\n', newText: 'b = 20;\nlet c;\n' },
      ];
      expect(await call('edit', { path: 'a.ts', edits })).toEqual({
        text: 'Edited a.ts (+3 -2 lines).',
        isError: false,
        summary: '+3 -2 lines',
      });
      expect(await readFile(on('a.ts'), 'utf8')).toBe('let a = 10;\nlet b = 20;\nlet c;\n');
      expect(
        await call('edit', {
          path: 'a.ts',
          edits: [
            { oldText: 'a = 10', newText: 'z' },
            { oldText: 'nope', newText: '' },
          ],
        }),
      ).toMatchObject({
        isError: true,
        text: 'a.ts was not changed. The oldText of edit 2 was not found. Nothing in the file is like it: read the file again.',
      });
      expect(await readFile(on('a.ts'), 'utf8')).toBe('let a = 10;\nlet b = 20;\nlet c;\n');
    });

    test('edit leaves alone what it cannot write back as it was', async () => {
      await run(
        `printf '\\357\\273\\277a\\r\\nb\\r\\n' > bom; printf 'caf\\351' > latin1; mkdir d; seq 1 1000000 > big`,
      );
      await call('edit', { path: 'bom', edits: [{ oldText: 'a\nb', newText: 'c\nd' }] });
      expect(await readFile(on('bom'))).toEqual(Buffer.from('\ufeffc\r\nd\r\n'));
      const edits = [{ oldText: 'caf', newText: 'x' }];
      expect((await call('edit', { path: 'latin1', edits })).text).toBe(
        'latin1 is not UTF-8 text. Change it with a program in bash.',
      );
      expect((await call('edit', { path: 'd', edits })).text).toBe('d is a directory.');
      expect((await call('edit', { path: 'big', edits })).text).toBe(
        'big has over 2,000,000 bytes. Change it with a program in bash.',
      );
      expect((await call('edit', { path: 'none', edits })).text).toBe('There is no file none.');
      expect((await call('edit', { path: 'd', edits: [] })).text).toContain('These are not the arguments of edit:');
    });
  });

  if (kind === 'bubblewrap')
    test('symlinks and ".." reach nothing of the host', async () => {
      const secret = join(opened.dir, '..', 'secret');
      await writeFile(secret, 'of the host', { mode: 0o644 });
      await symlink(secret, on('link'));
      await symlink('/root', on('home'));
      for (const path of [
        'link',
        '../secret',
        secret,
        'home/.bashrc',
        '/proc/1/environ',
        `/proc/${process.pid}/environ`,
      ]) {
        const result = await call('read', { path });
        expect(result.text).not.toContain('of the host');
        expect(result.isError || result.text === `[${path} is empty]` || path === '/proc/1/environ').toBe(true);
      }
      await call('write', { path: 'link', content: 'overwritten' });
      expect(await readFile(secret, 'utf8')).toBe('of the host');
      expect((await call('read', { path: '/proc/1/environ' })).text).not.toContain(process.env.PATH);
    });

  test("a directory's own instructions come with the first file that is touched there", async () => {
    await run(
      'mkdir -p pkg/sub; printf top > AGENTS.md; printf "Use tabs." > pkg/AGENTS.md; printf "not this" > pkg/CLAUDE.md',
    );
    await run(
      'printf "Use spaces." > pkg/sub/CLAUDE.md; printf a > pkg/sub/a.ts; printf b > pkg/b.ts; printf c > c.ts',
    );
    expect((await call('read', { path: 'c.ts' })).instructions).toBeUndefined();
    expect((await call('read', { path: './pkg/x/../b.ts' })).instructions).toEqual([
      { path: 'pkg/AGENTS.md', text: 'Use tabs.' },
    ]);
    expect(
      (await call('edit', { path: on('pkg/sub/a.ts'), edits: [{ oldText: 'a', newText: 'b' }] })).instructions,
    ).toEqual([{ path: 'pkg/sub/CLAUDE.md', text: 'Use spaces.' }]);
    expect((await call('write', { path: 'pkg/sub/c.ts', content: '' })).instructions).toBeUndefined();
    expect((await call('read', { path: '/etc/hosts' })).instructions).toBeUndefined();
  });

  test('an abort ends the call', async () => {
    const controller = new AbortController();
    const begun = performance.now();
    const running = call('bash', { command: 'sleep 100' }, controller.signal);
    setTimeout(() => controller.abort(), 100);
    expect((await running).text).toBe('stopped');
    expect(performance.now() - begun).toBeLessThan(20_000);
  });
});

const noScope = { report() {}, plan() {}, evidence() {}, rating() {}, usage() {}, effect() {} };
