import { linesOf } from './error-noise.ts';

/** A place in the code that a line of an error names. */
export interface Frame {
  /** As it is written, with `/`. */
  path: string;
  line: number;
  function: string | null;
  /** Not of a library, nor of what runs it. */
  isOwn: boolean;
  /** Of a trace whose last line is where it happened: Python's. */
  isLastFirst: boolean;
}

const extensions = new Set(
  'ts tsx js jsx mjs cjs mts cts vue svelte astro py pyi java kt kts groovy scala gradle go rs rb erb rake cs fs vb razor php c h cc cpp cxx hpp hh m mm swift dart ex exs erl clj hs ml lua pl pm sh sql css scss less html md json yaml yml toml tf proto zig nim jl r'.split(
    ' ',
  ),
);

/** Whether a name ends as files of code do. */
export function isCodeFile(path: string): boolean {
  return extensions.has(/\.([A-Za-z]{1,6})$/.exec(path)?.[1]?.toLowerCase() ?? '');
}

/** The end of a path, and the line in it: `a.ts:12`, `a.ts(12,5)`, `a.py", line 12`, `a.cs:line 12`, `a.php on line 12`. */
const place = /\.([A-Za-z]{1,6})(", line |:line | on line |:|\()(\d{1,7})(?![\d.])/g;

const ofJvm = /^\s*at (?:[\w.@-]*\/{1,2})?([\w$.]+)\.([\w$<>]+)\(([\w$-]+\.(?:java|kt|scala|groovy)):(\d{1,7})\)/;
const jvmLibraries =
  /^(?:java|javax|jakarta|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|android|androidx|org\.(?:junit|springframework|apache|gradle|hibernate|mockito|assertj|slf4j|eclipse|testng|codehaus|jetbrains)|io\.(?:netty|micrometer|quarkus|ktor)|reactor|ch\.qos|com\.(?:google|fasterxml|intellij|zaxxer))\./;

const libraries =
  /(?:^|\/)(?:node_modules|bower_components|site-packages|dist-packages|vendor|\.cargo|\.rustup|rustc|\.pnpm|\.yarn|\.m2|\.gradle|\.nuget|\.rbenv|\.pyenv|\.rvm|\.nvm|gems|Cellar)\/|\/go\/pkg\/mod\/|^\/usr\/(?:lib|local\/(?:lib|go|bundle))\/|\/lib\/(?:python|ruby)[\d./]|^\/(?:nix|snap)\/|\/Program Files|^(?:node:|internal\/|library\/(?:std|core|alloc)\/|<)/;

/** Whether the code at a path is somebody else's. */
function isOfLibrary(path: string): boolean {
  return libraries.test(path);
}

/** The places that a line names; `before`: the line above it, where some say the function. */
export function framesOf(line: string, before: string): Frame[] {
  const jvm = ofJvm.exec(line);
  if (jvm) {
    const [, type = '', method = '', file = '', at = ''] = jvm;
    const packages = type.split('.').slice(0, -1);
    const path = [...packages, file].join('/');
    const function_ = `${type.split('.').at(-1)}.${method}`;
    return [{ path, line: Number(at), function: function_, isOwn: !jvmLibraries.test(`${type}.`), isLastFirst: false }];
  }
  const frames: Frame[] = [];
  let from = 0;
  for (const found of line.matchAll(place)) {
    const [whole, extension = '', separator, at] = found;
    if (!extensions.has(extension.toLowerCase())) continue;
    const path = tidy(line.slice(startOf(line, from, found.index), found.index + 1 + extension.length));
    from = found.index + whole.length;
    if (!/[\p{L}\d_]/u.test(path.slice(0, -extension.length - 1))) continue;
    const isLastFirst = separator === '", line ';
    const function_ = functionOf(line, before);
    const isOwn = !isOfLibrary(path);
    frames.push({ path, line: Number(at), function: function_, isOwn, isLastFirst });
  }
  return frames;
}

/** What stands before the path; back from its extension, never over what was read already. */
function startOf(line: string, from: number, end: number): number {
  const least = Math.max(from, end - 400);
  for (const open of ['"', '(']) {
    const quote = line.lastIndexOf(open, end);
    // Where it is quoted it may have spaces.
    if (quote >= least && /^(?:file:\/\/)?(?:\/|[A-Za-z]:[\\/])/.test(line.slice(quote + 1, end))) return quote + 1;
  }
  let start = end;
  while (start > least && !/[\s"'`()<>{},;=|]/.test(line.charAt(start - 1))) start -= 1;
  return start;
}

function tidy(token: string): string {
  const path = token
    .replaceAll('\\', '/')
    .replace(/^(?:[\w-]+:)?\/\/(?:localhost|\d[\d.]*|[\w.-]+\.\w+)(?::\d+)?\//, '')
    .replace(/^(?:[\w-]+:)?file:\/\/(?:\/(?=[A-Za-z]:))?/, '')
    .replace(/^(?:webpack(?:-internal)?|vite|rsc|app):\/{2,3}(?:\([^)]*\)\/)?/, '')
    .replace(/^(?:\.\/)+/, '');
  const colon = path.lastIndexOf(':');
  const bare = colon > 1 || (colon === 1 && path[2] !== '/') ? path.slice(colon + 1) : path;
  return bare.startsWith('[') && !bare.includes(']') ? bare.slice(1) : bare;
}

const functions: RegExp[] = [
  /^\s*at (?:async )?(?:new )?([^()]{1,300}) \(/,
  /^\s*at ([^()]{1,300})\(.*\) in /,
  /\bline \d+, in (.{1,200})$/,
  /\.py:\d+: in (.{1,200})$/,
  /:in [`'](.{1,200}?)'/,
  /^#\d+ [^(]{1,400}\(\d+\): ([^(]{1,200})\(/,
  /^ {0,3}❯ (?:new )?([^\s/\\:]{1,200}) [^\s]/,
];

function functionOf(line: string, before: string): string | null {
  for (const pattern of functions) {
    const name = pattern.exec(line)?.[1];
    if (name !== undefined) return plainFunction(name);
  }
  // Go has it on the line above, and so has a backtrace of Rust.
  const above =
    /^\s+\S/.test(line) && /^(?:created by )?([\w./*()-]{1,300}?)(?:\(.*\))?$|^\s*\d+: (\S{1,300})$/.exec(before);
  return above ? plainFunction(above[1] ?? above[2] ?? '') : null;
}

/** Without what the engine, its version or the build add. */
function plainFunction(name: string): string | null {
  const plain = name
    .replace(/\[as [^\]]{0,100}\]/, '')
    .replace(/::h[0-9a-f]{16}$/, '')
    .replace(/^.*\//, '')
    .replace(/^(?:Object|Function|Proxy|Module|Context|async|global)\.(?=.)/, '')
    .trim();
  return plain === '' || /^<?(?:anonymous|module|eval|unknown)>?$/.test(plain) ? null : plain;
}

const most = { frames: 50, lines: 20_000 };

/**
 * Where an error says that it happened: each place once, the likeliest first, the repository's own code before what it uses.
 * A path is as the error has it: of a trace mostly that of the machine, of a compiler that within the repository.
 */
export function framesIn(output: string): { path: string; line: number }[] {
  const blocks: Frame[][] = [];
  const lines = linesOf(output);
  for (const [index, line] of lines.entries()) {
    if (index >= most.lines) break;
    const frames = framesOf(line, lines[index - 1] ?? '');
    const isPython = frames[0]?.isLastFirst === true;
    const block = blocks.at(-1);
    if (block && frames.length > 0 && block[0]?.isLastFirst === isPython) {
      if (!isPython) block.push(...frames);
      else block.unshift(...frames);
    } else if (frames.length > 0) blocks.push([...frames]);
  }
  const all = blocks.flat();
  const ordered = [...all.filter(({ isOwn }) => isOwn), ...all.filter(({ isOwn }) => !isOwn)];
  const places = new Map(ordered.map(({ path, line }) => [`${path}:${line}`, { path, line }]));
  return [...places.values()].slice(0, most.frames);
}
