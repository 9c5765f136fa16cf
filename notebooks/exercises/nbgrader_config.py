"""What nbgrader reads when it is started in this folder."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "optlab"

# A cell that takes longer is interrupted and loses its points; the next cell goes on.
c.Execute.timeout = 60
c.Execute.interrupt_on_timeout = True

# A locked test cell that a student deleted comes back. (One that was altered always does.)
c.OverwriteCells.add_missing_cells = True
