export default function InspectTab() {
  return null;
}
