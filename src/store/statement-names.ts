/** Each connection keeps the plans of all that has a name: some 40 kB each. */
const asksBeforeName = 3;
const mostNames = 150;
const mostCounted = 1000;

/**
 * Names for the statements that are asked again and again. PostgreSQL parses one with a name once a connection and, from its
 * sixth time on, plans it no more where a plan for any values is as good: of what a short question costs, that is most.
 * Answers undefined for what is rare, and for `*`: beside a newer version, which may have added a column, a named
 * statement would fail for good.
 */
export function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>();
  const asked = new Map<string, number>();
  return (text) => {
    const known = names.get(text);
    if (known !== undefined || names.size === mostNames) return known;
    const times = (asked.get(text) ?? 0) + 1;
    if (times < asksBeforeName || /(select|returning|\.) ?\*/i.test(text)) {
      if (asked.size < mostCounted || times > 1) asked.set(text, times);
      return undefined;
    }
    asked.delete(text);
    const name = `statement_${names.size + 1}`;
    names.set(text, name);
    return name;
  };
}
