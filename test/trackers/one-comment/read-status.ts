import type { Plan } from '../../../src/core/plan.ts';

/** What a status comment shows people, from its Markdown. */
export function readStatus(text: string): { said: string[]; plan: Plan; links: string[] } {
  const [, earlier = ''] = /<summary>Earlier \(UTC\)<\/summary>\n\n([\s\S]*?)\n\n<\/details>/.exec(text) ?? [];
  const before = earlier.split(/^- \d\d:\d\d /m).slice(1);
  const [latest = ''] = text.split('\n\n');
  const isSaid = latest !== '' && !/^(- \[|I keep this comment)/.test(latest);
  return {
    said: isSaid ? [...before, latest].map((each) => each.trim()) : [],
    plan: [...text.matchAll(/^- \[([ x])\] (.*)$/gm)].map(([, mark, step = '']): Plan[number] => {
      const canceled = /^~~(.*)~~$/.exec(step)?.[1];
      const atWork = /^\*\*(.*)\*\* \(at work\)$/.exec(step)?.[1];
      if (canceled !== undefined) return { content: canceled, status: 'canceled' };
      if (atWork !== undefined) return { content: atWork, status: 'inProgress' };
      return { content: step, status: mark === 'x' ? 'completed' : 'pending' };
    }),
    links: [...text.matchAll(/\[What I do, step by step\]\((\S+)\)/g)].map(([, url = '']) => url),
  };
}
