"""Published files of tasks, each format read strictly."""
