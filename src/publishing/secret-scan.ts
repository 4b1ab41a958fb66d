import { createRedactor, type Span } from '../lib/redact.ts';
import { secretRules } from './secret-rules.ts';

export interface SecretFinding extends Span {
  /** What it looks like, with an article; never the value. */
  what: string;
}

export interface SecretScan {
  /** `path` decides how strictly generic patterns are taken; nothing is read from disk. */
  scan(text: string, path: string): Promise<SecretFinding[]>;
}

/** Looks for what has the form of a secret, and for `knownSecrets` in any of their disguises. */
export function createSecretScan(knownSecrets: readonly string[]): SecretScan {
  const known = createRedactor(knownSecrets);
  return {
    async scan(text, path) {
      const mine = known.find(text).map((span) => ({ ...span, what: "one of the service's own secrets" }));
      const ours = secretRules.flatMap((rule) =>
        [...text.matchAll(rule.pattern)]
          .filter((match) => rule.accept?.(match.groups?.value ?? match[0], { path, match }) ?? true)
          .map((match) => ({ start: match.index, end: match.index + match[0].length, what: rule.what })),
      );
      return [...mine, ...ours, ...(await lint(text))];
    },
  };
}

/**
 * Left out: comments in a file that switch the rules off, which the agent could write; and two rules on URLs, because ours
 * tells a development database from a real one.
 */
const leftOut = /-(filter-comments|basicauth|database-connection-string)$/;

/** Loaded when first needed: it takes 30 ms, and a process that publishes nothing never does. */
const loadLinter = once(async () => {
  const [{ lintSource }, { rules }, { secretLintProfiler }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
    import('@secretlint/profiler'),
  ]);
  // It keeps an entry for every rule and file, for ever.
  secretLintProfiler.setEnabled(false);
  const chosen = rules.map((rule) => ({ id: rule.meta.id, rule })).filter(({ id }) => !leftOut.test(id));
  return (content: string) =>
    lintSource({
      // No name: some rules would open the file of that name on this machine. Whatever is JSON is tried as such.
      source: { content, filePath: '', ext: '.json', contentType: 'text' },
      options: { config: { rules: chosen }, noPhysicFilePath: true },
    });
});

async function lint(text: string): Promise<SecretFinding[]> {
  const lintText = await loadLinter();
  const { messages } = await lintText(text);
  return messages.map(({ ruleId, range: [start, end] }) => ({
    start,
    end,
    what: `a secret (${ruleId.replace('@secretlint/secretlint-rule-', '')})`,
  }));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
