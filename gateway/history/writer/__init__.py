"""The running gateway's historian: it buffers, journals and seals samples, and reads back what it has written."""
