/** What a view says when something can't be done, or was not. */
import type { Ability } from '@countersign/local-stack/control';
import { Unplug } from 'lucide-react';
import type { ReactNode } from 'react';
import { Banner } from '../design/banner.tsx';
import { Prose } from '../design/prose.tsx';
import { Empty } from '../design/states.tsx';
import type { ApiProblem } from './problem.ts';
import { useMissing } from './session.ts';
import './notices.css';

/** In place of a view whose every button needs something that is not there. */
export function Missing({ title, why }: { readonly title: string; readonly why: string }) {
  return (
    <Empty icon={Unplug} title={title}>
      <p>
        <Prose>{why}</Prose>
      </p>
    </Empty>
  );
}

/** Above buttons that are all disabled: why. Nothing while they are not. */
export function MissingNotice({ ability, what }: { readonly ability: Ability; readonly what: string }) {
  const why = useMissing(ability);
  return why === undefined ? null : (
    <Banner kind="info" title={`${what} not available`}>
      <Prose>{why}</Prose>
    </Banner>
  );
}

/** A request that came to nothing, with what was expected and got where the answer says so. */
export function ProblemNotice({
  title,
  problem,
  action,
}: {
  readonly title: string;
  readonly problem: ApiProblem;
  readonly action?: ReactNode;
}) {
  const { status, reason, detail, expected, got } = problem;
  const code = [status === 0 ? undefined : `HTTP ${status}`, reason].filter(Boolean).join(' ');
  return (
    <div role="alert">
      <Banner kind="bad" title={title} action={action}>
        <Prose>{detail}</Prose> {code !== '' && <code className="problem-code">{code}</code>}
        {expected !== undefined && (
          <span className="problem-line">
            expected <code>{expected}</code>
          </span>
        )}
        {got !== undefined && (
          <span className="problem-line">
            got <code>{got}</code>
          </span>
        )}
      </Banner>
    </div>
  );
}
