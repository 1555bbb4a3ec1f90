/** Two or three that exclude each other, all in sight: radio buttons side by side. */
import { Label, Radio, RadioGroup } from 'react-aria-components';
import './field.css';

export interface Option<Id extends string> {
  readonly id: Id;
  readonly text: string;
}

export interface ChoiceProps<Id extends string> {
  readonly label: string;
  readonly options: readonly Option<Id>[];
  readonly value: Id;
  readonly onChange: (value: Id) => void;
  readonly isDisabled?: boolean;
}

export function Choice<Id extends string>({ label, options, value, onChange, isDisabled = false }: ChoiceProps<Id>) {
  const choose = (key: string) => {
    const option = options.find(({ id }) => id === key);
    if (option) onChange(option.id);
  };
  return (
    <RadioGroup className="choice" isDisabled={isDisabled} value={value} onChange={choose} orientation="horizontal">
      <Label className="field-label">{label}</Label>
      <div className="choice-row">
        {options.map(({ id, text }) => (
          <Radio key={id} value={id} className="choice-one">
            {text}
          </Radio>
        ))}
      </div>
    </RadioGroup>
  );
}
