/** What a person reports through one client: of a repository of three files, each report about one of them. */
export interface Report {
  /** What the person types behind the command. */
  words: string;
  file: string;
  before: string;
  after: string;
}

export const reports = {
  claude: {
    words: 'API returns inconsistent date formats',
    file: 'src/dates.js',
    before: 'export const show = (date) => String(date);\n',
    after: 'export const show = (date) => date.toISOString();\n',
  },
  codex: {
    words: 'Export leaves out the last row',
    file: 'src/rows.js',
    before: 'export const all = (rows) => rows.slice(0, -1);\n',
    after: 'export const all = (rows) => rows.slice();\n',
  },
  opencode: {
    words: 'Greeting shouts at everybody',
    file: 'src/greeting.js',
    before: 'export const greet = (name) => "HELLO " + name;\n',
    after: 'export const greet = (name) => "Hello " + name;\n',
  },
  gemini: {
    words: 'Totals are rounded twice',
    file: 'src/totals.js',
    before: 'export const total = (sum) => Math.round(Math.round(sum));\n',
    after: 'export const total = (sum) => Math.round(sum);\n',
  },
} satisfies Record<string, Report>;

export type LiveClient = keyof typeof reports;

/** What Shipmate's own agent does on each of these tickets. */
export function agentScript(): string {
  const tickets = Object.values(reports).map(({ words, file, before, after }) => [
    words,
    [
      { calls: [{ tool: 'scope', input: { confidence: 'green', size: 'S', files: [file], plan: [`Mend ${file}`] } }] },
      {
        text: 'The cause is plain.',
        calls: [{ tool: 'edit', input: { path: file, edits: [{ oldText: before.trim(), newText: after.trim() }] } }],
      },
      {
        calls: [
          {
            tool: 'finish',
            input: {
              title: words,
              summary: `Mended in ${file}.`,
              criteria: [{ criterion: 1, met: true, evidence: 'node --test ends with 0.' }],
            },
          },
        ],
      },
    ],
  ]);
  return JSON.stringify({ tickets: Object.fromEntries(tickets) });
}

/** What the coding model of the person makes of its instructions: the arguments of `make_ticket`. */
export function capturedOf({ words, file }: Report) {
  return {
    title: words,
    notes: words,
    places: [{ path: file, from: 1, to: 1 }],
    error: { command: 'node --test', exitCode: 1, output: `AssertionError: ${words}\n    at ${file}:1:30` },
    steps: ['Run node --test'],
    criteria: ['node --test passes'],
    assign: true,
  };
}
