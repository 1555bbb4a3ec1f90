export default function Tour(_: { readonly onClose: () => void }) {
  return null;
}
