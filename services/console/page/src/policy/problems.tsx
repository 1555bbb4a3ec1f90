/** What is wrong with the text, or odd about it, each with its place and a way there. */
import { OctagonX, TriangleAlert } from 'lucide-react';
import type { PolicyProblem } from '../../../src/wire/actions.ts';
import { Button } from '../design/index.ts';
import { usePolicy } from './policy-store.ts';

export interface ProblemsProps {
  readonly onJump: (line: number, column: number) => void;
}

export function Problems({ onJump }: ProblemsProps) {
  const check = usePolicy((policy) => policy.check);
  if (check === undefined || check.problems.length + check.warnings.length === 0) return null;
  return (
    <ul className="policy-problems" aria-label="Problems">
      {check.problems.map((problem) => (
        <Problem key={keyOf(problem)} kind="bad" problem={problem} onJump={onJump} />
      ))}
      {check.warnings.map((problem) => (
        <Problem key={keyOf(problem)} kind="warn" problem={problem} onJump={onJump} />
      ))}
    </ul>
  );
}

const keyOf = ({ at, line, column, message }: PolicyProblem) => [at, line, column, message].join('\n');

interface ProblemProps extends ProblemsProps {
  readonly kind: 'bad' | 'warn';
  readonly problem: PolicyProblem;
}

function Problem({ kind, problem: { at, line, column = 1, message }, onJump }: ProblemProps) {
  const Icon = kind === 'bad' ? OctagonX : TriangleAlert;
  return (
    <li data-kind={kind}>
      <Icon aria-hidden />
      <span>
        <span className="visually-hidden">{kind === 'bad' ? 'Problem: ' : 'Warning: '}</span>
        {message}
        {at !== '' && <code className="policy-pointer">{at}</code>}
      </span>
      {line !== undefined && (
        <Button size="s" variant="quiet" onPress={() => onJump(line, column)}>
          {`Line ${line}`}
        </Button>
      )}
    </li>
  );
}
