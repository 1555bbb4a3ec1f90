/** One of many, in a list that opens. For two or three, {@link Choice} is quicker. */
import { Check, ChevronDown } from 'lucide-react';
import {
  Select as AriaSelect,
  Button,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Radio,
  RadioGroup,
  SelectValue,
} from 'react-aria-components';
import './field.css';
import './overlay.css';

export interface Option<Id extends string> {
  readonly id: Id;
  readonly text: string;
}

export interface SelectProps<Id extends string> {
  readonly label: string;
  readonly options: readonly Option<Id>[];
  readonly value: Id;
  readonly onChange: (value: Id) => void;
  readonly isDisabled?: boolean;
}

export function Select<Id extends string>({ label, options, value, onChange, isDisabled = false }: SelectProps<Id>) {
  const choose = (key: unknown) => {
    const option = options.find(({ id }) => id === key);
    if (option) onChange(option.id);
  };
  return (
    <AriaSelect className="field" isDisabled={isDisabled} value={value} onChange={choose}>
      <Label className="field-label">{label}</Label>
      <Button className="select-button">
        <SelectValue />
        <ChevronDown aria-hidden />
      </Button>
      <Popover className="popover select-popover">
        <ListBox className="select-list" items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.text} className="select-item">
              {option.text}
              {option.id === value && <Check aria-hidden size={16} />}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </AriaSelect>
  );
}

/** Two or three that exclude each other, all in sight: radio buttons side by side. */
export function Choice<Id extends string>({ label, options, value, onChange, isDisabled = false }: SelectProps<Id>) {
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
