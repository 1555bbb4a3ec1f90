/** Fields of a form: each with a label, room for a hint, and its error beneath. */
import type { ReactNode } from 'react';
import {
  Button as AriaButton,
  NumberField as AriaNumberField,
  type NumberFieldProps as AriaNumberFieldProps,
  TextField as AriaTextField,
  type TextFieldProps as AriaTextFieldProps,
  FieldError,
  Group,
  Input,
  Label,
  Text,
  TextArea,
} from 'react-aria-components';
import './field.css';

interface Labelled {
  readonly label: string;
  readonly hint?: ReactNode;
  /** What is wrong with the value; set `isInvalid`, too. */
  readonly error?: string | undefined;
}

function Beneath({ hint, error }: Pick<Labelled, 'hint' | 'error'>) {
  return (
    <>
      {hint && (
        <Text slot="description" className="field-hint">
          {hint}
        </Text>
      )}
      <FieldError className="field-error">{error}</FieldError>
    </>
  );
}

export interface TextFieldProps extends Omit<AriaTextFieldProps, 'children' | 'className' | 'style'>, Labelled {
  /** More than one: a text area. */
  readonly rows?: number;
  readonly placeholder?: string;
}

export function TextField({ label, hint, error, rows = 1, placeholder = '', ...rest }: TextFieldProps) {
  return (
    <AriaTextField {...rest} className="field">
      <Label className="field-label">{label}</Label>
      {rows > 1 ? (
        <TextArea className="field-input" rows={rows} placeholder={placeholder} spellCheck={false} />
      ) : (
        <Input className="field-input" placeholder={placeholder} />
      )}
      <Beneath hint={hint} error={error} />
    </AriaTextField>
  );
}

export interface NumberFieldProps extends Omit<AriaNumberFieldProps, 'children' | 'className' | 'style'>, Labelled {}

export function NumberField({ label, hint, error, ...rest }: NumberFieldProps) {
  return (
    <AriaNumberField {...rest} className="field">
      <Label className="field-label">{label}</Label>
      <Group className="field-number">
        <Input className="field-input" />
        <AriaButton slot="decrement" className="field-step">
          −
        </AriaButton>
        <AriaButton slot="increment" className="field-step">
          +
        </AriaButton>
      </Group>
      <Beneath hint={hint} error={error} />
    </AriaNumberField>
  );
}
