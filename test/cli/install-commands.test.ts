import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parse as parseJsonc } from 'jsonc-parser';
import { parse as parseToml } from 'smol-toml';
import { describe, onTestFinished, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { clientNames } from '../../mcp-servers/tickets/commands/clients.ts';
import { readInstructions } from '../../mcp-servers/tickets/commands/command-files.ts';
import { markHere, stamp } from '../../mcp-servers/tickets/commands/mark.ts';
import { pluginFiles } from '../../mcp-servers/tickets/commands/plugin.ts';
import { createProgram } from '../../src/cli/program.ts';

const root = resolve(import.meta.dirname, '../..');
const script = join(root, 'bin/shipmate-mcp-tickets.mjs');
const skill = '.claude/skills/make-ticket/SKILL.md';
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A repository and a home, both empty, and the command in them. */
async function place() {
  const dir = await mkdtemp(join(tmpdir(), 'shipmate-install-'));
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
  const repository = join(dir, 'repository');
  const home = join(dir, 'home');
  await mkdir(join(repository, '.git'), { recursive: true });
  await mkdir(join(repository, 'src'));
  await mkdir(home);
  const at = (path: string) => join(repository, path);
  const said = { text: '' };
  const stream = {
    write(text: string) {
      said.text += text;
      return true;
    },
  } as unknown as NodeJS.WriteStream;
  return {
    home,
    at,
    read: (path: string) => readFile(at(path), 'utf8'),
    async put(path: string, text: string) {
      await mkdir(dirname(at(path)), { recursive: true });
      await writeFile(at(path), text);
    },
    /** The exit code; what it said is in `said`. From a directory below the repository's. */
    async install(...args: string[]) {
      said.text = '';
      const surroundings = { cwd: at('src'), env: { HOME: home }, stdout: stream, stderr: stream };
      return createProgram(surroundings).run(['install-commands', ...args]);
    },
    said,
    /** All files below, by path. */
    files(below = repository): Record<string, string> {
      const found = readdirSync(below, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
      return Object.fromEntries(
        found.map(({ parentPath, name }) => {
          const path = join(parentPath, name);
          return [path.slice(below.length + 1), readFileSync(path, 'utf8')];
        }),
      );
    },
  };
}

describe('what is written', () => {
  test('every client gets one command and one server, and a second time nothing is changed', async ({ expect }) => {
    const { install, files, said } = await place();
    expect(await install('--client', 'all')).toBe(0);
    const written = files();
    expect(Object.keys(written).sort()).toEqual([
      '.agents/skills/make-ticket/SKILL.md',
      '.claude/skills/make-ticket/SKILL.md',
      '.codex/config.toml',
      '.cursor/mcp.json',
      '.gemini/commands/make-ticket.toml',
      '.gemini/settings.json',
      '.mcp.json',
      '.vscode/mcp.json',
      'opencode.json',
    ]);
    const commands = Object.values(written).filter((text) => text.includes('Make a ticket'));
    expect(commands.map((text) => text.includes(readInstructions().split('$ARGUMENTS')[0] ?? ''))).toEqual([
      true,
      true,
      true,
    ]);
    expect(parseToml(written['.gemini/commands/make-ticket.toml'] ?? '').prompt).toMatch(/\{\{args\}\}\n$/);
    const [, head = ''] = /^---\n([\s\S]*?)\n---\n/.exec(written[skill] ?? '') ?? [];
    expect(parseYaml(head)).toMatchObject({
      name: 'make-ticket',
      metadata: { 'written-by': expect.stringMatching(/^shipmate \d/) },
    });

    expect(await install('--client', 'all')).toBe(0);
    expect(files()).toEqual(written);
    expect(said.text).not.toContain('wrote');
    expect(await install('--client', 'all', '--check')).toBe(0);
  });

  test.for([
    [
      'program',
      [],
      {
        claude: { type: 'stdio', command: 'shipmate-mcp-tickets', args: [] },
        codex: {
          command: 'shipmate-mcp-tickets',
          args: [],
          env_vars: [
            ...['SHIPMATE_URL', 'SHIPMATE_TOKEN', 'XDG_CONFIG_HOME', 'XDG_STATE_HOME'],
            ...['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY', 'NODE_USE_ENV_PROXY', 'NODE_EXTRA_CA_CERTS'],
          ],
        },
        cursor: { type: 'stdio', command: 'shipmate-mcp-tickets', args: [] },
        vscode: { type: 'stdio', command: 'shipmate-mcp-tickets', args: [] },
        opencode: { type: 'local', command: ['shipmate-mcp-tickets'] },
        gemini: {
          command: 'shipmate-mcp-tickets',
          args: [],
          env: {
            SHIPMATE_URL: `\${SHIPMATE_URL:-}`,
            SHIPMATE_TOKEN: `\${SHIPMATE_TOKEN:-}`,
            XDG_CONFIG_HOME: `\${XDG_CONFIG_HOME:-}`,
            XDG_STATE_HOME: `\${XDG_STATE_HOME:-}`,
          },
        },
      },
    ],
    [
      'address',
      ['--url', 'https://ship.example.com/'],
      {
        claude: http(`\${SHIPMATE_TOKEN}`),
        codex: { url: 'https://ship.example.com/mcp', bearer_token_env_var: 'SHIPMATE_TOKEN' },
        cursor: { url: 'https://ship.example.com/mcp', headers: { Authorization: `Bearer \${env:SHIPMATE_TOKEN}` } },
        vscode: http(`\${env:SHIPMATE_TOKEN}`),
        opencode: { ...http('{env:SHIPMATE_TOKEN}'), type: 'remote', oauth: false },
        gemini: { httpUrl: 'https://ship.example.com/mcp', headers: { Authorization: `Bearer \${SHIPMATE_TOKEN}` } },
      },
    ],
  ] as const)('by %s, each in the words of its client', async ([, args, wanted], { expect }) => {
    const { install, read, said } = await place();
    expect(await install('--client', 'all', ...args)).toBe(0);
    expect(await serversIn(read)).toEqual(wanted);
    expect(said.text).toContain(args.length > 0 ? 'SHIPMATE_TOKEN to it' : 'shipmate -- login URL');
    // Run again without the address, it stays.
    expect(await install('--client', 'all')).toBe(0);
    expect(await serversIn(read)).toEqual(wanted);
  });

  test('for a person: their own directories, and the program of this installation by its path', async ({ expect }) => {
    const { install, files, home } = await place();
    expect(await install('--global', '--client', 'all')).toBe(0);
    const written = files(home);
    const code = process.platform === 'darwin' ? 'Library/Application Support' : '.config';
    expect(Object.keys(written).sort()).toEqual(
      [
        '.agents/skills/make-ticket/SKILL.md',
        '.claude.json',
        '.claude/skills/make-ticket/SKILL.md',
        '.codex/config.toml',
        `${code}/Code/User/mcp.json`,
        '.config/opencode/opencode.json',
        '.cursor/mcp.json',
        '.gemini/commands/make-ticket.toml',
        '.gemini/settings.json',
      ].sort(),
    );
    expect(JSON.parse(written['.claude.json'] ?? '').mcpServers.shipmate).toEqual({
      type: 'stdio',
      command: 'node',
      args: [script],
    });
  });

  test('unasked, the clients in use here; where none is, all', async ({ expect }) => {
    const { install, said } = await place();
    expect(await install()).toBe(0);
    expect(said.text.match(/wrote/g)).toHaveLength(9);
    const other = await place();
    await other.put('.cursor/rules/one.mdc', 'x');
    await mkdir(join(other.home, '.gemini'));
    expect(await other.install()).toBe(0);
    expect(Object.keys(other.files()).sort()).toEqual([
      '.agents/skills/make-ticket/SKILL.md',
      '.cursor/mcp.json',
      '.cursor/rules/one.mdc',
      '.gemini/commands/make-ticket.toml',
      '.gemini/settings.json',
    ]);
  });
});

describe('what people have', () => {
  test('comments, order, indentation and other servers of a configuration stay', async ({ expect }) => {
    const { install, put, read } = await place();
    const json = '{\n\t// ours\n\t"servers": {\n\t\t"other": { "command": "x" }, // theirs\n\t},\n\t"inputs": []\n}\n';
    const toml = 'model = "gpt" # mine\r\n\r\n[mcp_servers.other]\r\ncommand = "x"\r\n';
    await put('.vscode/mcp.json', json);
    await put('.codex/config.toml', toml);
    expect(await install('--client', 'vscode,codex')).toBe(0);
    const edited = await read('.vscode/mcp.json');
    expect(edited).toContain('\t// ours\n\t"servers": {\n\t\t"other": { "command": "x" },');
    expect(edited).toContain('\t"inputs": []\n}\n');
    expect(Object.keys(parseJsonc(edited, [], { allowTrailingComma: true }).servers)).toEqual(['other', 'shipmate']);
    const config = await read('.codex/config.toml');
    expect(config.startsWith(toml)).toBe(true);
    expect(config.replaceAll('\r\n', '')).not.toContain('\n');
    expect(Object.keys(parseToml(config).mcp_servers as object)).toEqual(['other', 'shipmate']);

    // An address takes the place of the program; what people set beside it, and the rest, stay as they are.
    await put('.vscode/mcp.json', edited.replace('"type": "stdio"', '"type": "stdio", "dev": { "watch": "x" }'));
    await put(
      '.codex/config.toml',
      `${config}\r\n[mcp_servers.shipmate.tools.make_ticket]\r\napproval_mode = "approve"\r\n`,
    );
    expect(await install('--client', 'vscode,codex', '--url', 'https://ship.example.com/mcp')).toBe(0);
    expect(parseJsonc(await read('.vscode/mcp.json'), [], { allowTrailingComma: true }).servers.shipmate).toEqual({
      ...http(`\${env:SHIPMATE_TOKEN}`),
      dev: { watch: 'x' },
    });
    expect(parseToml(await read('.codex/config.toml'))).toMatchObject({
      model: 'gpt',
      mcp_servers: {
        shipmate: { url: 'https://ship.example.com/mcp', tools: { make_ticket: { approval_mode: 'approve' } } },
      },
    });
    expect(await install('--client', 'vscode,codex', '--check')).toBe(0);
  });

  test.for([
    ['flags of their own', [], { command: 'node', args: ['/old/bin/shipmate-mcp-tickets.mjs', '--directory', 'x'] }],
    ['another program that starts it', [], { command: 'npx', args: ['-y', 'shipmate-mcp-tickets'] }],
    ['headers for a proxy', [], { type: 'http', url: 'https://a/mcp', headers: { 'X-Key': 'k' } }],
    ['flags of their own', ['--global'], { command: '/n/node', args: ['/old/shipmate-mcp-tickets.mjs', '-x'] }],
  ] as const)('%s %j stay', async ([, args, theirs], { expect }) => {
    const { install, put, read } = await place();
    const path = args.length > 0 ? '../home/.claude.json' : '.mcp.json';
    const shipmate = { type: 'stdio', ...theirs, env: { SHIPMATE_TOKEN: 'x', DEBUG: '1' } };
    await put(path, JSON.stringify({ mcpServers: { shipmate } }));
    expect(await install('--client', 'claude', ...args)).toBe(0);
    const { shipmate: found } = JSON.parse(await read(path)).mcpServers;
    const moved = JSON.stringify(shipmate).replace('/old/shipmate-mcp-tickets.mjs', script);
    expect(found).toMatchObject(JSON.parse(moved));
    expect(await install('--client', 'claude', '--check', ...args)).toBe(0);
  });

  test('line ends that are mixed stay, and so does a server in TOML that goes elsewhere', async ({ expect }) => {
    const { install, put, read, said } = await place();
    const mixed = 'a = 1\r\nb = """x\ny"""\r\n';
    await put('.codex/config.toml', mixed);
    await install('--client', 'codex');
    expect((await read('.codex/config.toml')).startsWith(mixed)).toBe(true);
    expect(await install('--client', 'codex', '--check')).toBe(0);

    const own = '[mcp_servers.shipmate]\nurl = "https://a/mcp"\nbearer_token_env_var = "SHIPMATE_TOKEN"\n';
    await put('.codex/config.toml', own);
    expect(await install('--client', 'codex')).toBe(0);
    expect(await install('--client', 'codex', '--url', 'https://b')).toBe(1);
    expect(said.text).toContain('has another server "shipmate", of another address: rename or remove it. Mend it');
    expect(await read('.codex/config.toml')).toBe(own);
  });

  test('what --check advises writes the same files; a program that nobody can start is told', async ({ expect }) => {
    const { install, put, said, read } = await place();
    await install('--client', 'claude', '--global', '--check');
    expect(said.text).toContain(
      'To bring them up to date: npm run shipmate -- install-commands --client claude --global',
    );
    await install('--client', 'claude');
    expect(said.text).toContain('Clients cannot start shipmate-mcp-tickets: it is not on your PATH.');
    await put(skill, (await read(skill)).replace('Make a ticket', 'File a ticket'));
    await install('--client', 'claude', '--check');
    expect(said.text).not.toContain('up to date');
    expect(said.text).toContain('install-commands --client claude --force');
    await install('--client', 'claude', '--url', 'https://ship.example.com');
    expect(said.text).not.toContain('PATH');
  });

  test('what they edited is told and left, what is old is written anew, and --force overwrites both', async ({
    expect,
  }) => {
    const { install, put, read, said } = await place();
    await install('--client', 'claude,codex');
    const wanted = await read(skill);
    const old = wanted.replace('Make a ticket', 'File a ticket');
    await put(skill, old);
    expect(await install('--client', 'claude', '--check')).toBe(1);
    expect(said.text).toContain('edited   ../.claude/skills/make-ticket/SKILL.md: was edited by hand (Claude Code)');
    expect(await install('--client', 'claude')).toBe(0);
    expect(said.text).toContain(
      'left     ../.claude/skills/make-ticket/SKILL.md was edited by hand. --force overwrites it.',
    );
    expect(await read(skill)).toBe(old);
    expect(await install('--client', 'claude', '--force')).toBe(0);
    expect(await read(skill)).toBe(wanted);

    // As a version before wrote it: with a mark that is right for another text. And line ends as another system has them.
    await put(skill, stamp(`---\n# ${markHere}\n---\nBefore\n`, '0.0.1'));
    await put('.agents/skills/make-ticket/SKILL.md', wanted.replaceAll('\n', '\r\n'));
    expect(await install('--client', 'claude,codex', '--check')).toBe(1);
    expect(said.text.match(/^(old|edited|missing|theirs)/gm)).toEqual(['old']);
    expect(await install('--client', 'claude')).toBe(0);
    expect(await read(skill)).toBe(wanted);
    // Written by another version, and the same: nothing to do.
    await put(skill, wanted.replace(/shipmate [\d.]+ /, 'shipmate 9.9.9 '));
    expect(await install('--client', 'claude', '--check')).toBe(0);
  });

  test.for([
    ['a skill of the same name', skill, '---\nname: make-ticket\n---\nmine\n', 'is not ours. --force'],
    [
      'a server of the same name',
      '.mcp.json',
      '{"mcpServers":{"shipmate":{"command":"ship"}}}',
      'has another server "shipmate". --force',
    ],
    [
      'one in TOML',
      '.codex/config.toml',
      '[mcp_servers.shipmate]\ncommand = "ship"\n',
      'has another server "shipmate": rename or remove it. Mend it',
    ],
    ['JSON that is none', '.mcp.json', '{\n"a": 1,,\n}', 'is not valid JSON: PropertyNameExpected in line 2. Mend it'],
    ['JSON that is a list', '.mcp.json', '[]', 'is not a JSON object. Mend it'],
    [
      'servers that are a list',
      '.mcp.json',
      '{"mcpServers":[]}',
      'holds a "mcpServers" that is not an object. Mend it',
    ],
    ['TOML that is none', '.codex/config.toml', 'a = \n', 'is not valid TOML: '],
    [
      'an inline table',
      '.codex/config.toml',
      'mcp_servers = { a = { command = "x" } }\n',
      'cannot take [mcp_servers.shipmate]: ',
    ],
  ] as const)('%s is told, not touched, and the rest is written', async ([, path, text, words], { expect }) => {
    const { install, put, read, said } = await place();
    await put(path, text);
    expect(await install('--client', 'claude,codex')).toBe(1);
    expect(said.text).toContain(`left     ../${path} ${words}`);
    expect(await read(path)).toBe(text);
    expect(said.text.match(/wrote/g)).toHaveLength(3);
    expect(await install('--client', 'claude,codex', '--check')).toBe(1);
  });

  test('a link stays one, and where nothing can be written, that is told', async ({ expect }) => {
    const { install, put, read, at, said } = await place();
    await put('dotfiles/mcp.json', '{}');
    await symlink('dotfiles/mcp.json', at('.mcp.json'));
    await put('.claude', 'a file where a directory belongs');
    expect(await install('--client', 'claude')).toBe(1);
    expect(said.text).toContain('../.claude/skills/make-ticket/SKILL.md cannot be read: ENOTDIR');
    expect(JSON.parse(await read('dotfiles/mcp.json')).mcpServers.shipmate.command).toBe('shipmate-mcp-tickets');
  });

  test.for([
    [['--client', 'emacs'], 'There is no client "emacs"; there are: claude, codex,'],
    [['--url', 'ship'], '--url takes the address of your service'],
    [['--url', 'https://a:b@ship.example.com'], 'without a password'],
    [['--dir', 'nowhere'], '--dir nowhere: there is nothing at'],
    [['--dir', '.', '--global'], 'Use --global or --dir, not both.'],
  ] as const)('%j is refused', async ([args, words], { expect }) => {
    const { install, files, said } = await place();
    expect(await install(...args)).toBe(1);
    expect(said.text).toContain(words);
    expect(files()).toEqual({});
  });
});

test('the instructions are short, and say their notes last', ({ expect }) => {
  const text = readInstructions();
  expect(text.split(/\s+/).length).toBeLessThan(460);
  expect(text).toMatch(/\nNotes from the user \(may be empty\): \$ARGUMENTS\n$/);
  expect(clientNames).toHaveLength(6);
});

test('the plugin is what `npm run plugin` writes', ({ expect }) => {
  const folder = join(root, 'mcp-servers/tickets/plugin');
  const wanted = pluginFiles(version, readFileSync(join(root, 'LICENSE'), 'utf8'));
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1));
  const old = [...new Set([...found, ...Object.keys(wanted)])].filter(
    (path) => !found.includes(path) || readFileSync(join(folder, path), 'utf8') !== wanted[path],
  );
  expect(old, 'mcp-servers/tickets/plugin is out of date: npm run plugin').toEqual([]);
});

test('it needs no database and no configuration', async ({ expect }) => {
  const { at, home } = await place();
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'src/main.ts'), 'install-commands', '--check'], {
    cwd: at('src'),
    env: { PATH: process.env.PATH, HOME: home },
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([1, '']);
  expect(existsSync(at('.shipmate'))).toBe(false);
});

test('a reader that reads no further ends the program, without a word', ({ expect }) => {
  const pipe = '"$0" "$1" install-commands --help | true';
  const { stderr } = spawnSync('sh', ['-c', pipe, process.execPath, join(root, 'src/main.ts')], { encoding: 'utf8' });
  expect(stderr).toBe('');
});

function http(variable: string) {
  return { type: 'http', url: 'https://ship.example.com/mcp', headers: { Authorization: `Bearer ${variable}` } };
}

async function serversIn(read: (path: string) => Promise<string>) {
  const json = async (path: string, section: string) => JSON.parse(await read(path))[section].shipmate;
  return {
    claude: await json('.mcp.json', 'mcpServers'),
    codex: (parseToml(await read('.codex/config.toml')).mcp_servers as Record<string, unknown>).shipmate,
    cursor: await json('.cursor/mcp.json', 'mcpServers'),
    vscode: await json('.vscode/mcp.json', 'servers'),
    opencode: await json('opencode.json', 'mcp'),
    gemini: await json('.gemini/settings.json', 'mcpServers'),
  };
}
