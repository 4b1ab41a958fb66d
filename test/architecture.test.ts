import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, test } from 'vitest';
import { alertSources } from '../src/alerts/index.ts';
import { trackers } from '../src/trackers/index.ts';

const root = resolve(import.meta.dirname, '..');

/** Rooms and what each may import. A room is the longest of these prefixes that fits; ports are files of their own. */
const rooms: Record<string, string[]> = {
  'src/main.ts': ['src/cli'],
  'src/app.ts': ['src/'],
  'src/app/': ['src/', 'mcp-servers/tickets/'],
  'src/flow.ts': ['src/flow/'],
  'src/config.ts': ['src/config/', 'definitions', 'src/core/', 'src/lib/'],
  'src/config/': ['definitions', 'src/core/', 'src/lib/'],
  'src/flow/': [
    'ports',
    'src/core/',
    'src/lib/',
    'src/store/',
    'src/workspaces/',
    'src/verification/',
    'src/publishing/',
    'src/tools/',
    'src/jobs/queues.ts',
  ],
  'src/core/': ['src/lib/'],
  'src/lib/': [],
  'src/trackers/': ['src/trackers/tracker.ts', 'src/core/', 'src/lib/'],
  'src/trackers/github-issues/': ['src/trackers/tracker.ts', 'src/vendors/github/', 'src/core/', 'src/lib/'],
  'src/alerts/': ['src/alerts/alert-source.ts', 'src/core/', 'src/lib/'],
  // What is read of an error, and how it is shown without what is a person's, is the same for tickets and tools.
  'src/alerts/sentry/': [
    'src/alerts/alert-source.ts',
    'mcp-servers/sentry/',
    'mcp-servers/outside-text.ts',
    'src/core/',
    'src/lib/',
  ],
  'src/code-hosts/': ['src/code-hosts/code-host.ts', 'src/core/', 'src/lib/'],
  'src/code-hosts/github/': [
    'src/code-hosts/code-host.ts',
    'src/vendors/github/',
    'mcp-servers/log/',
    'src/core/',
    'src/lib/',
  ],
  'src/vendors/': ['src/core/', 'src/lib/'],
  'src/models/': ['src/models/model.ts', 'src/core/', 'src/lib/'],
  'src/sandboxes/': ['src/sandboxes/sandbox.ts', 'src/core/', 'src/lib/'],
  'src/agents/': [
    'src/agents/agent.ts',
    'src/tools/',
    'src/models/model.ts',
    'src/sandboxes/sandbox.ts',
    'src/core/',
    'src/lib/',
  ],
  'src/workspaces/': ['src/sandboxes/sandbox.ts', 'src/core/', 'src/lib/'],
  'src/tools/': ['src/sandboxes/sandbox.ts', 'src/core/', 'src/lib/'],
  'src/verification/': ['src/sandboxes/sandbox.ts', 'src/workspaces/', 'src/core/', 'src/lib/'],
  'src/publishing/': ['mcp-servers/log/', 'src/workspaces/', 'src/core/', 'src/lib/'],
  'src/store/': ['src/core/', 'src/lib/'],
  'src/jobs/': ['src/core/', 'src/lib/'],
  'src/http/': ['src/flow.ts', 'src/store/', 'ports', 'mcp-servers/both-revisions.ts', 'src/core/', 'src/lib/'],
  'src/cli/': ['src/app.ts', 'src/config.ts', 'definitions', 'src/core/', 'src/lib/', 'mcp-servers/tickets/'],
  'mcp-servers/': [],
};

const ports = [
  'src/trackers/tracker.ts',
  'src/alerts/alert-source.ts',
  'src/code-hosts/code-host.ts',
  'src/models/model.ts',
  'src/agents/agent.ts',
  'src/sandboxes/sandbox.ts',
];

/** What is known of adapters before any of them is loaded. */
const definitions = [
  'src/alerts/index.ts',
  'src/alerts/alert-source.ts',
  'src/trackers/index.ts',
  'src/trackers/definition.ts',
  'src/trackers/connecting.ts',
  'src/vendors/github/settings.ts',
];

/** Rooms whose folders are adapters: siblings must not know each other. */
const adapterRooms = ['src/trackers/', 'src/alerts/', 'src/code-hosts/', 'src/models/', 'src/sandboxes/'];
/** No adapter: what those share whose tickets have only comments to show the agent's work in. */
const oneComment = 'src/trackers/one-comment/';

const sources = [...filesUnder('src'), ...filesUnder('mcp-servers')].filter((file) => file.endsWith('.ts'));

/** Who may name an adapter outside its folder, its line in `index.ts` and its vendor's room, and why. */
const mayName: Record<string, string[]> = {
  // What must not be published, whatever a team has connected.
  linear: ['src/publishing/secret-rules.ts'],
  // The code host's own check looks at repositories whose issues are tickets, too.
  'github-issues': ['src/app/connecting-github.ts'],
  // Secrets, and the names of our own tool servers, which nobody else's may have.
  sentry: ['src/publishing/secret-rules.ts', 'src/config/tool-servers.ts'],
  // Ours: it is always there, and people work on it with our own commands.
  board: ['src/'],
};

describe('who may import whom', () => {
  test('every import stays within the rules', ({ expect }) => {
    const wrong = sources.flatMap((file) =>
      importsOf(file)
        .filter((target) => !mayImport(file, target))
        .map((target) => `${file} -> ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test('a tracker is named nowhere but in its own folder', ({ expect }) => {
    const named = trackers.flatMap(({ kind }) =>
      sources
        .filter((file) => file.startsWith('src/') && read(file).toLowerCase().includes(kind))
        .filter((file) => ![`src/trackers/${kind}/`, 'src/trackers/index.ts'].some((own) => file.startsWith(own)))
        .filter((file) => !(mayName[kind] ?? []).some((allowed) => file.startsWith(allowed)))
        .map((file) => `${file} names ${kind}`),
    );
    expect(named).toEqual([]);
  });

  test('a source of alerts is named nowhere but in its own folder', ({ expect }) => {
    const named = alertSources.flatMap(({ kind }) => {
      // As a word, or within one: not every "isEntry" is about Sentry.
      const name = new RegExp(`(?<![A-Za-z])${kind}|${kind[0]?.toUpperCase()}${kind.slice(1)}`);
      return sources
        .filter((file) => file.startsWith('src/') && name.test(read(file).replaceAll(kind.toUpperCase(), kind)))
        .filter((file) => ![`src/alerts/${kind}/`, 'src/alerts/index.ts'].some((own) => file.startsWith(own)))
        .filter((file) => !(mayName[kind] ?? []).some((allowed) => file.startsWith(allowed)))
        .map((file) => `${file} names ${kind}`);
    });
    expect(named).toEqual([]);
  });

  test('what is known of trackers and sources of alerts before they are loaded needs no package but the one for schemas', ({
    expect,
  }) => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, specifier = ''] of read(file).matchAll(/^(?:import|export) (?!type\b)[^'"`;]*?from\s*'([^']+)'/gms))
        if (specifier.startsWith('.')) follow(relative(root, resolve(root, dirname(file), specifier)));
        else packages.add(specifier);
    };
    follow('src/trackers/index.ts');
    follow('src/alerts/index.ts');
    expect([...packages]).toEqual(['zod']);
  });

  test('every source file is in a room', ({ expect }) => {
    expect(sources.filter((file) => roomOf(file) === null)).toEqual([]);
  });
});

test('no source file is longer than 400 lines; the files that tell the story stay under 200', ({ expect }) => {
  const long = sources.filter((file) => linesOf(file) > 400);
  const story = ['src/main.ts', 'src/app.ts', 'src/flow.ts'].filter((file) => linesOf(file) > 200);
  expect({ long, story }).toEqual({ long: [], story: [] });
});

test('only the process itself hands on the environment', ({ expect }) => {
  const readers = sources.filter((file) => file.startsWith('src/') && /process\.env\b/.test(read(file)));
  expect(readers).toEqual(['src/main.ts']);
});

test('core needs no package', ({ expect }) => {
  const packages = sources
    .filter((file) => file.startsWith('src/core/'))
    .flatMap((file) => specifiersOf(file).filter((name) => !name.startsWith('.')));
  expect(packages).toEqual([]);
});

test('no bag files, and no module is mocked', ({ expect }) => {
  const bags = sources.filter((file) => /(^|\/)(types|utils|helpers|common|misc)(\.ts|\/)/.test(file));
  const mocked = filesUnder('test').filter(
    (file) => /\bvi\.(mock|doMock)\(/.test(read(file)) && !file.includes('architecture'),
  );
  expect({ bags, mocked }).toEqual({ bags: [], mocked: [] });
});

test('no hook stands at the top of what test files share: it would run for the first of them only', ({ expect }) => {
  const shared = filesUnder('test').filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  expect(shared.filter((file) => /^(before|after)(All|Each)\(/m.test(read(file)))).toEqual([]);
});

function mayImport(file: string, target: string): boolean {
  const room = roomOf(file);
  const adapters = adapterRooms.find((prefix) => file.startsWith(prefix));
  if (adapters) {
    const mine = folderIn(adapters, file);
    const theirs = target.startsWith(adapters) && !target.startsWith(oneComment) ? folderIn(adapters, target) : null;
    if (target === `${adapters}index.ts`) return false;
    if (target.startsWith(adapters)) return mine === null || theirs === null || mine === theirs;
  }
  if (room !== null && target.startsWith(room) && room.endsWith('/')) return true;
  return (rooms[room ?? ''] ?? []).some((allowed) =>
    allowed === 'ports' || allowed === 'definitions'
      ? { ports, definitions }[allowed].includes(target)
      : target === allowed || (allowed.endsWith('/') && target.startsWith(allowed)) || target.startsWith(`${allowed}/`),
  );
}

/** The adapter's own folder; null for files beside the adapters. */
function folderIn(prefix: string, file: string): string | null {
  const rest = file.slice(prefix.length);
  return rest.includes('/') ? (rest.split('/')[0] ?? null) : null;
}

function roomOf(file: string): string | null {
  const fitting = Object.keys(rooms).filter((room) => file === room || (room.endsWith('/') && file.startsWith(room)));
  return fitting.sort((a, b) => b.length - a.length)[0] ?? null;
}

function importsOf(file: string): string[] {
  return specifiersOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => relative(root, resolve(root, dirname(file), specifier)));
}

function specifiersOf(file: string): string[] {
  const text = read(file);
  const found = [
    ...text.matchAll(/^\s*(?:import|export)\b[^'"`;]*?from\s*'([^']+)'/gms),
    ...text.matchAll(/\bimport\(\s*'([^']+)'/g),
    ...text.matchAll(/^import '([^']+)'/gm),
  ];
  return found.map((match) => match[1] ?? '');
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function linesOf(file: string): number {
  return read(file).split('\n').length - 1;
}

function filesUnder(dir: string): string[] {
  return readdirSync(join(root, dir), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes('node_modules'));
}
