import type { Finding } from '../../core/proof.ts';
import { type Line, shorten } from './lines.ts';
import { patches } from './tests.ts';

const sniffing =
  /\b(?:NODE_TEST_CONTEXT|VITEST(?:_\w+)?|JEST_WORKER_ID|PYTEST_CURRENT_TEST|PYTEST_ADDOPTS|SHIPMATE_EVIDENCE|CARGO_MANIFEST_DIR_TEST)\b|\bprocess\.env\.(?:CI|NODE_ENV)\b.*\btest\b|\bprocess\.env(?:\.CI\b|\[['"]CI['"]\])|environ(?:\.get)?[[(]['"]CI['"]|getenv\(['"]CI['"]\)|['"]pytest['"]\s+in\s+sys\.modules|typeof\s+(?:describe|it|test|expect|jest|vi)\s*[!=]==?|process\.(?:argv|execArgv)\b.*(?:--test|mocha|jest|vitest)|testing\.Testing\(\)/;
const exits =
  /\bos\._exit\s*\(|\bprocess\.(?:reallyExit|abort)\s*\(|\bprocess\.(?:exit|exitCode)\s*=(?!=)\s*0?\b|\bprocess\.exit\s*=(?!=)|\bprocess\.on\(\s*['"](?:exit|beforeExit)['"].*exit/;
const prints =
  /\b(?:console\.\w+|print(?:f|ln!?)?|fmt\.Print\w*|process\.std(?:out|err)\.write|sys\.std(?:out|err)\.write|echo|puts)\b/;
const summaries =
  /\b\d+ pass(?:ed|ing)\b|\b\d+ tests? passed\b|[ℹ#] (?:tests|pass|fail) \d|\bTests:\s+\d|test result: ok|\bRan \d+ tests?|['"`\\n](?:not )?ok \d+ -|--- PASS:/;

/** Reads the lines that a change adds to the product for what would make tests say more than they know. */
export function readCode(path: string, added: Line[]): Finding[] {
  return added.flatMap(({ number, text }): Finding[] => {
    const at = `${path}:${number}`;
    const shown = `\`${shorten(text)}\``;
    if (patches.test(text)) return [{ weight: 'regression', text: `${at} replaces what tests assert with: ${shown}.` }];
    if (prints.test(text) && summaries.test(text))
      return [doubt(`${at} prints what looks like a test summary: ${shown}.`)];
    if (sniffing.test(text)) return [doubt(`${at} behaves differently under test: ${shown}.`)];
    if (exits.test(text)) return [doubt(`${at} can end the test process early or change its exit code: ${shown}.`)];
    return [];
  });
}

const masks =
  /\|\|\s*(?:true|:|exit\s+0|echo\b|return\s+0)|;\s*(?:true|:|exit\s+0)\s*["']?\s*$|^\s*@?(?:true|:|exit\s+0|return\s+0)\s*$|^\t-|\bset \+e\b|--passWithNoTests|--forceExit|process\.exit\(0\)|sys\.exit\(0\)|\bmake\s+-i\b/;

/** Reads the lines that a change adds to how tests are run. A package script that only prints runs nothing. */
export function readRunner(added: { path: string; text: string }[]): Finding[] {
  return added
    .filter(
      ({ path, text }) =>
        masks.test(text) || (path.endsWith('package.json') && /^\s*(?:echo|printf)\s[^&|;]*$/.test(text)),
    )
    .map(({ path, text }) => ({
      weight: 'regression',
      text: `${path} makes a failing test run look like a passing one: \`${shorten(text)}\`.`,
    }));
}

function doubt(text: string): Finding {
  return { weight: 'doubt', text: `${text} A person must look at that line before the tests can be believed.` };
}
