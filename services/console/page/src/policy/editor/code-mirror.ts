/**
 * CodeMirror for JSON, in a shadow root: there its styles are constructed style sheets, which a content security policy
 * without inline styles allows; in the document they would be a <style>. Fetched when the text is first shown.
 */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { json } from '@codemirror/lang-json';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from '@codemirror/language';
import { type Diagnostic, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, type Text, Transaction } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { looks } from './looks.ts';

/** A place in the text, counted from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** What is wrong, and where; without a place it is about the whole. */
export interface Mark extends Partial<Place> {
  readonly message: string;
}

/** An editor in the page. */
export interface CodeEditor {
  /** Another text from elsewhere; can be undone like a key. */
  setText(text: string): void;
  setMarks(marks: readonly Mark[]): void;
  /** Puts the cursor there and the focus in the text. */
  jumpTo(place: Place): void;
  close(): void;
}

export interface CodeEditorOptions {
  readonly root: ShadowRoot;
  readonly text: string;
  /** Its accessible name. */
  readonly label: string;
  readonly onChange: (text: string) => void;
}

export function createCodeEditor({ root, text, label, onChange }: CodeEditorOptions): CodeEditor {
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        foldGutter(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        highlightActiveLine(),
        // The Tab key stays the browser's, so that the keyboard gets out of the text again.
        keymap.of([...defaultKeymap, ...historyKeymap, ...foldKeymap, ...lintKeymap]),
        json(),
        looks,
        EditorView.contentAttributes.of({
          'aria-label': label,
          tabindex: '0',
          autocapitalize: 'off',
          spellcheck: 'false',
        }),
        EditorView.updateListener.of(({ docChanged, state, transactions }) => {
          if (docChanged && !transactions.some(isFromElsewhere)) onChange(state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText(next) {
      const { doc } = view.state;
      if (doc.toString() === next) return;
      view.dispatch({
        changes: { from: 0, to: doc.length, insert: next },
        annotations: Transaction.userEvent.of(FROM_ELSEWHERE),
      });
    },
    setMarks(marks) {
      view.dispatch(setDiagnostics(view.state, toDiagnostics(view.state.doc, marks)));
    },
    jumpTo(place) {
      const { from } = rangeOf(view.state.doc, place);
      view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) });
      view.focus();
    },
    close: () => view.destroy(),
  };
}

const FROM_ELSEWHERE = 'set';
const isFromElsewhere = (transaction: Transaction) => transaction.isUserEvent(FROM_ELSEWHERE);

function toDiagnostics(doc: Text, marks: readonly Mark[]): readonly Diagnostic[] {
  return marks.flatMap(({ line, column = 1, message }) =>
    line === undefined ? [] : [{ ...rangeOf(doc, { line, column }), severity: 'error' as const, message }],
  );
}

/** From the place to the end of its line; at least one character, so that there is something to underline. */
function rangeOf(doc: Text, { line, column }: Place): { readonly from: number; readonly to: number } {
  const { from, to } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const start = Math.min(from + Math.max(column - 1, 0), to);
  return to > start ? { from: start, to } : { from: Math.max(from, start - 1), to };
}
