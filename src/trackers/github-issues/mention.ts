/** Whether a text speaks to the agent by its name; what is quoted or code does not. */
export function mentions(text: string | null | undefined, agent: string): boolean {
  if (!text?.toLowerCase().includes(`@${agent.toLowerCase()}`)) return false;
  const name = agent.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const called = new RegExp(`(^|[^\\w\`/.@+-])@${name}(?![\\w/-])`, 'i');
  let fence: string | null = null;
  for (const line of text.split('\n')) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== null) {
      if (mark?.startsWith(fence)) fence = null;
    } else if (mark !== undefined) fence = mark;
    else if (!/^ {0,3}>/.test(line) && called.test(line.replace(/(`+)[^`]*\1/g, ''))) return true;
  }
  return false;
}
