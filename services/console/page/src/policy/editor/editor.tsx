/** The text editor as a component. What is in it is the editor's; what comes from elsewhere is handed to it. */
import { useEffect, useRef } from 'react';
import { type CodeEditor, createCodeEditor, type Mark, type Place } from './code-mirror.ts';

export interface EditorProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly problems: readonly Mark[];
  /** Another object: the cursor goes there. */
  readonly jump: Place | undefined;
}

export default function Editor({ label, value, onChange, problems, jump }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<CodeEditor>(undefined);
  const first = useRef({ value, onChange, label });
  useEffect(() => {
    if (host.current === null) return;
    const root = host.current.shadowRoot ?? host.current.attachShadow({ mode: 'open' });
    const { value: text, ...rest } = first.current;
    const made = createCodeEditor({ root, text, ...rest });
    editor.current = made;
    return () => made.close();
  }, []);
  useEffect(() => editor.current?.setText(value), [value]);
  useEffect(() => editor.current?.setMarks(problems), [problems]);
  useEffect(() => {
    if (jump !== undefined) editor.current?.jumpTo(jump);
  }, [jump]);
  return <div ref={host} className="policy-editor" />;
}
